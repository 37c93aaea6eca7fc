"""`weldgate doctor`: how it is called. Refuses work of its own."""

from typing import Annotated

import typer


def doctor(as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout")] = False) -> None:
    """What is well with this installation and what is not: engine, schema, roles, days, clocks, disk, broker; and what to do.

    Needs no running stack, and says what it could not see. Exit code 0: nothing is bad, 1: something is.
    """
    from weld.cli import examining

    raise typer.Exit(examining.run(as_json=as_json))
