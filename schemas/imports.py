"""Bodies of the HTTP interface for imports: how far one has come, its first rows as they were read, what is wrong in which row.

Cells are masked; the file with the rows that were wrong is the only way back to them. Refuses file names: they name people.
"""

from datetime import datetime
from typing import Literal
from uuid import UUID

from schemas.http import Shape

State = Literal["receiving", "uploaded", "previewed", "running", "done", "stopped"]
Field = Literal[
    "name", "identity", "phone", "enterprise", "division", "kind", "number", "category", "item", "valid_from",
    "valid_to", "review_due", "status", "issuer",
]  # fmt: skip


class Both(Shape):
    """The same words in Chinese and English."""

    zh: str
    en: str


class Import(Shape):
    """One import. The four counts are those of the preview until it runs, then chunk by chunk those of what was done."""

    id: UUID
    actor: str
    format: Literal["csv", "xlsx"]
    state: State
    why: Both | None
    bytes: int
    rows_read: int
    rows_entered: int
    created: int
    updated: int
    unchanged: int
    bad: int
    created_at: datetime
    ended_at: datetime | None


class ImportList(Shape):
    """Imports of your scope, the newest first."""

    imports: list[Import]
    next: str | None


class Told(Shape):
    """What is wrong in one column of a row (None: in the row as a whole)."""

    row: int
    field: Field | None
    column: Both
    code: str
    text: Both


class ReadRow(Shape):
    """One row as it was read, by our names of its columns, masked."""

    row: int
    cells: dict[str, str]


class Preview(Shape):
    """The first rows, the columns that nothing is read from, and a page of what is wrong."""

    rows: list[ReadRow]
    ignored: list[str]
    errors: list[Told]
    next: str | None
