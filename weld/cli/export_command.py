"""`weldgate export ...`: how the command that takes records away is called. Refuses work of its own."""

from pathlib import Path
from typing import Annotated

import typer

from weld.core.records import What
from weld.kit.tables import Form


def export(
    what: Annotated[What, typer.Argument(help="Which rows")],
    to: Annotated[str, typer.Option(help="The file; - is stdout, for CSV only")],
    since: Annotated[str, typer.Option(help="From this day (midnight of Asia/Shanghai) or moment (ISO 8601) on")],
    until: Annotated[str | None, typer.Option(help="Up to this day or moment, which is outside; now")] = None,
    division: Annotated[str | None, typer.Option(help="Only this division and below it, by its code")] = None,
    plate: Annotated[str | None, typer.Option(help="Only this machine")] = None,
    form: Annotated[Form | None, typer.Option("--format", help="As the file's name ends in .parquet or not")] = None,
    bom: Annotated[bool, typer.Option("--bom", help="Mark the CSV as UTF-8, for Excel")] = False,
) -> None:
    """Sessions, telemetry or rollups into a CSV or Parquet file, of any size; workers are ids.

    The file has its name only when it is whole. Progress on stderr; the last line of stdout is one JSON object.
    """
    from weld.cli import exporting

    asked = exporting.Wanted(what, since, until, division, plate, form, bom)
    raise typer.Exit(exporting.run(asked, None if to == "-" else Path(to)))
