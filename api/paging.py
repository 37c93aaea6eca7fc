"""Pages and spans: an opaque cursor that names the last row seen, how many rows a page holds, which times make sense.

Refuses offsets: rows move.
"""

import base64
import binascii
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

from pydantic import AwareDatetime, Field

from api.problems import RefusedError

Limit = Annotated[int, Field(ge=1, le=200)]
# Far enough for every record, and no arithmetic with them leaves the calendar.
Moment = Annotated[AwareDatetime, Field(ge=datetime(2000, 1, 1, tzinfo=UTC), le=datetime(2200, 1, 1, tzinfo=UTC))]
Day = Annotated[date, Field(ge=date(2000, 1, 1), le=date(2200, 1, 1))]
Row = TypeVar("Row")


def encode(*words: object) -> str:
    """A cursor from the sort key of a page's last row."""
    text = "|".join(word.isoformat() if isinstance(word, datetime) else str(word) for word in words)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def at_and_id(cursor: str | None) -> tuple[datetime, UUID] | None:
    """The key of lists that are sorted by time and id."""
    if cursor is None:
        return None
    at, _, number = _decode(cursor).partition("|")
    try:
        when, name = datetime.fromisoformat(at), UUID(number)
    except ValueError:
        raise _not_ours() from None
    if when.tzinfo is None:
        raise _not_ours()
    return when, name


def keys(cursor: str | None, *readers: Callable[[str], Any]) -> tuple[Any, ...] | None:
    """The key of lists that are sorted by several words, each read by its reader."""
    if cursor is None:
        return None
    words = _decode(cursor).split("|")
    try:
        return tuple(read(word) for read, word in zip(readers, words, strict=True))
    except ValueError:
        raise _not_ours() from None


def moment(word: str) -> datetime:
    """A time in a cursor."""
    found = datetime.fromisoformat(word)
    if found.tzinfo is None:
        raise _not_ours()
    return found


def whole(bits: int) -> Callable[[str], int]:
    """A number in a cursor, from 0 on, of so many bits."""

    def read(word: str) -> int:
        if not word.isdecimal() or len(word) > 19 or int(word) >= 1 << bits:
            raise _not_ours()
        return int(word)

    return read


def word(cursor: str | None) -> str | None:
    """The key of lists that are sorted by one word."""
    text = None if cursor is None else _decode(cursor)
    if text is not None and not text.isprintable():
        raise _not_ours()
    return text


def number(cursor: str | None) -> int | None:
    """The key of lists that are sorted by a number."""
    text = word(cursor)
    if text is None:
        return None
    if not text.isdecimal() or len(text) > 18:
        raise _not_ours()
    return int(text)


def page(rows: Sequence[Row], limit: int) -> tuple[Sequence[Row], Row | None]:
    """The rows of a page from a look-up of one more, and the last one where more follow."""
    return (rows[:limit], rows[limit - 1]) if len(rows) > limit else (rows, None)


def _decode(cursor: str) -> str:
    try:
        return base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
    except (binascii.Error, ValueError):
        raise _not_ours() from None


def _not_ours() -> RefusedError:
    return RefusedError("bad_request", detail="after: not a cursor of this list")
