"""`weldgate bench ...` and `weldgate chaos ...`: how the commands that measure and break are called. Refuses work of its own."""

from typing import Annotated

import typer

bench = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@bench.command("soak")
def bench_soak(
    chips: Annotated[int, typer.Option(min=1, help="How many machines")] = 25_000,
    rate: Annotated[float, typer.Option(min=1, help="Messages a second")] = 5000.0,
    minutes: Annotated[float, typer.Option(min=0.1, help="How long")] = 60.0,
) -> None:
    """A steady load for long: how far ingest falls behind, its memory, the growth of tables and indexes, and vacuum.

    On a throw-away stack of its own. A line a minute on stderr; the last line of stdout is one JSON object. An hour at 5,000 a
    second needs about 10 GB of disk.
    """
    from bench import soak

    raise typer.Exit(soak.run(chips, rate, minutes))


@bench.command("ingest")
def bench_ingest(
    json: Annotated[bool, typer.Option("--json", help="Only the JSON line on stdout, no progress")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="Smaller, for a look at it: a minute or two")] = False,
    only: Annotated[
        str | None, typer.Option(help="Of G1,G3,G4,G5,G7,G8 and sessions (one broker session against 64)")
    ] = None,
) -> None:
    """How much ingest takes, against the broker's own fan-in and a paho pipeline; cost, delay and memory. Half an hour.

    On a throw-away stack of its own. Last line of stdout: {"machine": {...}, "G1": {"value", "floor", "aim", ...}, ...}.
    """
    from bench import ingest as measuring

    raise typer.Exit(measuring.run(only, quick=quick, quiet=json))


@bench.command("unlock-decision")
def bench_unlock_decision(
    workers: Annotated[int, typer.Option(min=100, max=8_000_000, help="How many workers are imported first")] = 470_000,
    json: Annotated[bool, typer.Option("--json", help="Only the JSON line on stdout, no progress")] = False,
    decisions: Annotated[int, typer.Option(min=100, help="How many decisions are asked for")] = 5000,
    seed: Annotated[int, typer.Option(help="The same seed makes the same table and asks the same")] = 1,
) -> None:
    """Import a province's workers through the api, then ask the whole unlock decision, look-ups and all, for many of them.

    On a throw-away stack of its own. Last line of stdout: {"workers", "import_s", "p50_ms", "p99_ms", ...}.
    """
    from bench import unlock_decision

    raise typer.Exit(unlock_decision.run(unlock_decision.Asked(workers, decisions, seed=seed), quiet=json))


chaos = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@chaos.command("ingest")
def chaos_ingest(
    seconds: Annotated[float, typer.Option(min=20, help="How long things are broken")] = 60.0,
    seed: Annotated[
        int, typer.Option(help="Makes the chips' lives and the faults; the same again with the same seed")
    ] = 1,
    chips: Annotated[int, typer.Option(min=10, max=2000, help="How many chips")] = 200,
    rate: Annotated[float, typer.Option(min=1, max=1000, help="Messages a second, all chips together")] = 300.0,
    json: Annotated[bool, typer.Option("--json", help="Only the JSON line on stdout, no progress")] = False,
) -> None:
    """Kill, stop, cut and confuse ingest, database and broker under load, on a throw-away stack.

    Then: what was called stored is stored once, and the books equal those of the same bytes without a fault. Last line of stdout:
    {"seed", "sent", "stored", "lost", "doubled", "wrong", "kills"}. Exit code 0 only if all three in the middle are 0.
    """
    from bench.chaos import command
    from weld.kit.log import configure

    configure("chaos", json=False)
    raise typer.Exit(command.run(command.Wanted(seconds, seed, chips, rate), quiet=json))
