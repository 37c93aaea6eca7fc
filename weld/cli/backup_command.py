"""`weldgate backup` and `weldgate restore`: how they are called. Refuses work of its own."""

from pathlib import Path
from typing import Annotated

import typer


def backup(
    to: Annotated[Path, typer.Option(help="A folder that is not there yet; on another disk than the store")],
    jobs: Annotated[int, typer.Option(min=1, max=32, help="How many tables at once")] = 2,
) -> None:
    """The whole store into a folder, at one moment, while everything goes on. Without the keys: they are kept elsewhere.

    Progress on stderr; the last line of stdout is {"folder", "sha256", "rows", "bytes", "audit"}. Interrupted it leaves nothing.
    """
    from weld.cli import backup as backing_up

    raise typer.Exit(backing_up.run(to, jobs))


def restore(
    folder: Annotated[
        Path | None,
        typer.Argument(
            help="What `weldgate backup` made; none: the store was put back by another tool and is to be settled"
        ),
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="The store that is there is set aside under another name, not removed")
    ] = False,
    deliver: Annotated[
        bool, typer.Option("--deliver", help="Send webhooks that waited then, perhaps for the second time")
    ] = False,
    keys_lost: Annotated[
        bool, typer.Option("--keys-lost", help="The keys of then are gone: go on without what they sealed and signed")
    ] = False,
    jobs: Annotated[int, typer.Option(min=1, max=32, help="How many tables at once")] = 2,
) -> None:
    """A backup back into the store: checked, loaded beside, verified row by row, settled, and only then put in its place.

    Exit code 0: the store is verified; 1: nothing was changed, and why. Stop all processes first. The last line of stdout is one
    JSON object.
    """
    from weld.cli import restore as restoring

    raise typer.Exit(restoring.run(restoring.Asked(folder, replace, deliver, keys_lost, jobs)))
