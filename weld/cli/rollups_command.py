"""`weldgate rollups ...`: how the commands about sums are called. Refuses work of its own."""

from datetime import datetime
from typing import Annotated

import typer

rollups = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@rollups.callback()
def _group() -> None:
    """Sums by machine, division and enterprise."""


@rollups.command("rebuild")
def rollups_rebuild(
    since: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The first day; where telemetry is whole")
    ] = None,
    until: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The last day; tomorrow")] = None,
    plate: Annotated[str | None, typer.Option(help="Only this machine, and the divisions and enterprises")] = None,
    check: Annotated[bool, typer.Option("--check", help="Change nothing; exit 1 where something differs")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout")] = False,
) -> None:
    """Count hours and days again from stored rows and mend what differs, while everything runs on. May be repeated.

    Progress and differences on stderr. --json prints {"since", "until", "differing": {TABLE: N}, "mended"}.
    Exit code 1: with --check something differs; 2: it could not be done. WELDGATE_DATABASE_URL names another server.
    """
    from weld.cli import rollups as sums

    first, last = (None if day is None else day.date() for day in (since, until))
    raise typer.Exit(sums.rebuild(sums.Wanted(first, last, plate, check, json)))
