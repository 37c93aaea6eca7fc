"""Imports over HTTP, for officers with the right registers:write: bring a file, look at what it would do, confirm, stop, mend.

The body is the file itself. It is taken in piece by piece and sealed at once, so neither its size nor a slow sender costs
memory or a connection to the database. The work is done by importer.py. Refuses file names, and rows in plain words anywhere
but in the report of errors, whose reading leaves a trace.
"""

from collections.abc import AsyncIterator
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from api import sheets
from api.caller import Caller, Officer, OfficerFirst, through
from api.importer import Importer, TooLargeError, wrong_rows
from api.paging import Limit, encode, number, word
from api.parts import new_id
from api.problems import RefusedError
from api.sheets import Format
from schemas import http
from schemas import imports as shapes
from weld.core import roster
from weld.core.law import Language, Words
from weld.core.roster import Mistake
from weld.store import audit, imports
from weld.store.audit import Trace
from weld.store.connect import Conn, Pool, scoped
from weld.store.imports import Chunk, ImportRow
from weld.store.vault import Vault

router = APIRouter(prefix="/imports", tags=["imports"])

Writer = Annotated[Caller, through(Officer("registers:write"))]
Bringer = Annotated[Caller, through(OfficerFirst("registers:write"))]

_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_FORMATS: dict[str, Format] = {"text/csv": "csv", _XLSX: "xlsx"}
_FIRST_ROWS = 20
_PLACES = 100_000  # more than a chunk has faults
_FILE: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
_BODY: dict[str, Any] = {"requestBody": {"required": True, "content": dict.fromkeys(_FORMATS, _FILE)}}


def _files(*kinds: str) -> dict[int | str, dict[str, Any]]:
    return {200: {"description": "A file", "content": dict.fromkeys(kinds, _FILE)}}


@router.post("", status_code=202, openapi_extra=_BODY)
async def bring_import(request: Request, caller: Bringer) -> shapes.Import:
    """Bring a CSV (UTF-8 or GB18030) or XLSX as the body. Its rows are read in the background until it is `previewed`."""
    kind = _FORMATS.get(request.headers.get("content-type", "").partition(";")[0].strip().lower())
    if kind is None:
        raise RefusedError("bad_request", detail=f"Content-Type: one of {', '.join(_FORMATS)}", status=415)
    scope = _scope(caller)
    made = new_id(caller.now)
    async with scoped(caller.parts.pool, scope) as conn:
        if await imports.kept(conn, scope) >= caller.parts.settings.api_imports_open:
            raise RefusedError("too_many_attempts", detail="too many open imports: confirm or stop some first")
        await imports.add(conn, made, caller.actor, scope, kind, caller.now)
        await audit.append(conn, [Trace(caller.now, caller.actor, "import.brought", str(made), {"format": kind})])
    settings = caller.parts.settings
    most = settings.api_import_bytes if kind == "csv" else settings.api_import_workbook_bytes
    try:
        await Importer.of(caller.parts).take_in(scope, made, request.stream(), most)
    except TooLargeError as error:
        raise RefusedError("bad_request", detail=str(error), status=413) from None
    except ValueError as error:
        raise RefusedError("bad_request", detail=str(error)) from None
    async with scoped(caller.parts.pool, scope) as conn:
        return _view(await _found(conn, made))


@router.get("")
async def list_imports(caller: Writer, limit: Limit = 50, after: http.Cursor | None = None) -> shapes.ImportList:
    """Imports of your scope, the newest first."""
    rows = await imports.listed(caller.conn, after=_id(after), limit=limit + 1)
    following = encode(rows[limit - 1].id) if len(rows) > limit else None
    return shapes.ImportList(imports=[_view(row) for row in rows[:limit]], next=following)


@router.get("/template", response_class=Response, responses=_files(*_FORMATS))
async def import_template(_caller: Writer, file: Format = "xlsx", language: Language = "zh") -> Response:
    """An empty table with the headings; those with an asterisk are needed."""
    kind = next(kind for kind, name in _FORMATS.items() if name == file)
    return Response(sheets.template(file, language), media_type=kind, headers=_named(f"weldgate-workers.{file}"))


@router.get("/{import_id}")
async def read_import(import_id: UUID, caller: Writer) -> shapes.Import:
    """How far it has come."""
    return _view(await _found(caller.conn, import_id))


@router.get("/{import_id}/preview")
async def preview_import(
    import_id: UUID, caller: Writer, limit: Limit = 50, after: http.Cursor | None = None
) -> shapes.Preview:
    """The first 20 rows as they were read, masked, and what is wrong in all rows, page by page."""
    found = await _found(caller.conn, import_id)
    heading = roster.heading(found.heading or [])
    if isinstance(heading, Words):
        return shapes.Preview(rows=[], ignored=[], errors=[], next=None)
    vault = caller.parts.vault
    first = [] if after else await imports.chunks(caller.conn, vault, import_id, 0)
    rows = [
        shapes.ReadRow(row=row, cells={str(field): cell for field, cell in roster.masked(heading.cells(cells)).items()})
        for chunk in first
        for row, cells in chunk.rows[:_FIRST_ROWS]
        if found.state in {"uploaded", "previewed"}
    ]
    errors, following = await _errors(caller, import_id, number(after) or 0, limit)
    caller.leave_trace("import.previewed", str(import_id), {"rows": len(rows)})
    return shapes.Preview(rows=rows, ignored=heading.ignored(found.heading or []), errors=errors, next=following)


@router.get("/{import_id}/errors.csv", response_class=StreamingResponse, responses=_files("text/csv"))
async def import_errors(import_id: UUID, caller: Writer) -> StreamingResponse:
    """The rows that were wrong, with their own columns and what is wrong: mend them and bring them again."""
    found = await _found(caller.conn, import_id)
    caller.leave_trace("import.errors_read", str(import_id), {"rows": found.bad})
    lines = error_report(caller.parts.pool, caller.parts.vault, _scope(caller), found, caller.language)
    return StreamingResponse(lines, media_type="text/csv; charset=utf-8", headers=_named("weldgate-errors.csv"))


@router.post("/{import_id}/confirm")
async def confirm_import(import_id: UUID, caller: Writer) -> shapes.Import:
    """Enter the rows in which nothing is wrong. Confirming twice changes nothing."""
    found = await _found(caller.conn, import_id)
    if await imports.confirm(caller.conn, import_id, caller.now):
        caller.leave_trace("import.confirmed", str(import_id), {})
    elif found.state not in {"running", "done"}:
        raise RefusedError("bad_request", detail=f"it is {found.state}, not previewed", status=409)
    return _view(await _found(caller.conn, import_id))


@router.post("/{import_id}/stop")
async def stop_import(import_id: UUID, caller: Writer) -> shapes.Import:
    """Stop it after the chunk that is being entered; what was entered stays."""
    await _found(caller.conn, import_id)
    if await imports.end(caller.conn, import_id, "stopped", caller.now, _BY_HAND):
        caller.leave_trace("import.stopped", str(import_id), {})
    return _view(await _found(caller.conn, import_id))


_BY_HAND = Words("已由经办人停止", "stopped by an officer")


async def _errors(caller: Caller, import_id: UUID, cursor: int, limit: int) -> tuple[list[shapes.Told], str | None]:
    """A page of what is wrong; the cursor names a chunk and a place in it."""
    told: list[shapes.Told] = []
    first, passed = divmod(cursor, _PLACES)
    while found := await imports.chunks(caller.conn, caller.parts.vault, import_id, first, faulty=True, opened=False):
        chunk = found[0]
        for place, fault in enumerate(chunk.faults):
            if chunk.number == cursor // _PLACES and place < passed:
                continue
            if len(told) == limit:
                return told, encode(chunk.number * _PLACES + place)
            told.append(_told(fault.row, fault.mistake))
        first = chunk.number + 1
    return told, None


async def error_report(
    pool: Pool, vault: Vault, scope: str, found: ImportRow, language: Language
) -> AsyncIterator[str]:
    """The report, chunk by chunk, each in a transaction of its own: whoever reads slowly holds nothing."""
    headings = found.heading or []
    kept = [place for place, heading in enumerate(headings) if heading not in (roster.ERRORS.zh, roster.ERRORS.en)]
    ours = roster.ERRORS.in_language(language)
    yield "\ufeff" + sheets.line([*(headings[place] for place in kept), ours])
    first = 0
    while True:
        async with scoped(pool, scope) as conn:
            chunks = await imports.chunks(conn, vault, found.id, first, faulty=True)
        if not chunks:
            return
        first = chunks[0].number + 1
        yield _lines(chunks[0], kept, language)


def _lines(chunk: Chunk, kept: list[int], language: Language) -> str:
    lines = []
    for cells, mistakes in wrong_rows(chunk):
        own = [roster.safe(cells[place]) if place < len(cells) else "" for place in kept]
        lines.append(sheets.line([*own, _sentence(mistakes, language)]))
    return "".join(lines)


def _sentence(mistakes: list[Mistake], language: Language) -> str:
    gap = "；" if language == "zh" else "; "
    return gap.join(f"{told.column.in_language(language)}: {told.words.in_language(language)}" for told in mistakes)


def _told(row: int, mistake: Mistake) -> shapes.Told:
    return shapes.Told(
        row=row,
        field=mistake.field,
        column=_both(mistake.column),
        code=mistake.code,
        text=_both(mistake.words),
    )


def _both(words: Words) -> shapes.Both:
    return shapes.Both(zh=words.zh, en=words.en)


def _scope(caller: Caller) -> str:
    if caller.officer is None:
        raise RefusedError("not_allowed")
    return caller.officer.scope


async def _found(conn: Conn, import_id: UUID) -> ImportRow:
    row = await imports.read(conn, import_id)
    if row is None:
        raise RefusedError("not_found")
    return row


def _view(row: ImportRow) -> shapes.Import:
    names = shapes.Import.model_fields.keys() - {"why"}
    words = {name: value for name, value in row._asdict().items() if name in names}
    why = None if row.why_zh is None else shapes.Both(zh=row.why_zh, en=row.why_en or row.why_zh)
    return shapes.Import(**words, why=why)


def _id(cursor: str | None) -> UUID | None:
    text = word(cursor)
    try:
        return None if text is None else UUID(text)
    except ValueError:
        raise RefusedError("bad_request", detail="after: not a cursor of this list") from None


def _named(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"'}
