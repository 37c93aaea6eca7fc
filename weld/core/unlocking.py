"""Where an unlock stands, from what was wanted (grant, ticket) and what the chip reported (armed, contact, session).

"Closed" is what the contact reported and never what was sent. Refuses to look anything up.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

State = Literal["waiting", "sent", "armed", "closed", "ended", "refused", "expired"]

FINAL: frozenset[State] = frozenset({"ended", "refused", "expired"})

# After this long without the contact's word the page says "sent, not yet confirmed" (architecture.md 4.5).
CONFIRM_WITHIN = timedelta(seconds=5)

# The contact may have clicked in the last moment, and its word may still be under way.
LATE_WORD = timedelta(seconds=10)

_LIVE_COMMAND = frozenset({"queued", "sent", "waiting"})


@dataclass(frozen=True, slots=True)
class Progress:
    """What is known of one unlock. The command's words are None where there is none."""

    created_at: datetime
    granted: bool
    end_reason: str | None
    armed: bool
    contact_closed: bool
    session_open: bool
    command: str | None
    command_reason: str | None
    click_before: datetime | None
    sent: bool


def state(progress: Progress, now: datetime) -> State:
    """The one word for the phone."""
    if progress.session_open:
        return "closed"
    if progress.contact_closed:
        return "closed" if progress.granted else "ended"
    if not progress.granted:
        return _without_a_click(progress.end_reason or "")
    if progress.command in {"refused", "failed"}:
        return "refused"
    if progress.command not in _LIVE_COMMAND and progress.command != "done":
        return "expired"
    if progress.click_before is not None and progress.click_before + LATE_WORD <= now:
        return "expired"
    if progress.armed:
        return "armed"
    return "sent" if progress.sent else "waiting"


def sent_unconfirmed(progress: Progress, now: datetime) -> bool:
    """The ticket is on its way and the contact has not spoken for too long."""
    return state(progress, now) == "sent" and now - progress.created_at >= CONFIRM_WITHIN


def reason(progress: Progress, now: datetime) -> str | None:
    """Why it came to nothing or ended, in the words of chip and rules; None while it is under way."""
    found = state(progress, now)
    if found not in FINAL:
        return None
    if progress.end_reason is not None:
        return progress.end_reason.removeprefix("refused:")
    return found if progress.command_reason is None else progress.command_reason


def _without_a_click(end_reason: str) -> State:
    if end_reason.startswith("refused"):
        return "refused"
    return "expired" if end_reason == "expired" else "ended"
