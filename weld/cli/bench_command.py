"""`weldgate bench ...` and `weldgate chaos ...`: how the commands that measure and break are called. Refuses work of its own."""

from pathlib import Path
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
    """How much ingest takes, against the broker's own fan-in and a paho pipeline; cost, delay and memory. 15 minutes.

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


@bench.command("store")
def bench_store(
    machines: Annotated[int, typer.Option(min=100, max=900_000, help="How many machines")] = 100_000,
    rows: Annotated[int, typer.Option(min=10_000, help="How many rows of telemetry")] = 100_000_000,
    engine: Annotated[str, typer.Option(help="postgresql, timescaledb, or both, one after the other")] = "both",
    days: Annotated[int, typer.Option(min=31, max=365, help="Over how many days they are spread")] = 365,
    times: Annotated[int, typer.Option(min=1, help="How often each question is asked")] = 200,
    plans: Annotated[Path | None, typer.Option(help="Write how the questions were planned into this folder")] = None,
    json: Annotated[bool, typer.Option("--json", help="Only the JSON line on stdout, no progress")] = False,
) -> None:
    """A year of a province in the database, and how long its questions take, on PostgreSQL and on TimescaleDB.

    On throw-away stacks. The default size needs up to 46 GB of disk, for one engine at a time, and less than 50 minutes on two
    cores. Last line of stdout: {"machines", "rows", "engines": {"postgresql": {"questions", "bytes", ...}, "timescaledb": ...}};
    an engine that cannot be had here is null.
    """
    from bench import store

    raise typer.Exit(store.run(store.Asked(machines, rows, engine, days, times, plans), quiet=json))


@bench.command("engines")
def bench_engines(
    turns: Annotated[int, typer.Option(min=1, help="How often each engine has its turn")] = 5,
    seconds: Annotated[float, typer.Option(min=0.5, help="How long a turn is measured")] = 10.0,
    chips: Annotated[int, typer.Option(min=100, help="How many machines speak")] = 1000,
    json: Annotated[bool, typer.Option("--json", help="Only the JSON line on stdout, no progress")] = False,
) -> None:
    """How much ingest takes into PostgreSQL and into TimescaleDB, in turns within one run; they must be within 15 %.

    On two throw-away stacks side by side. Last line of stdout: {"engines", "ratios", "ratio", ...}. Exit code 1 where they are
    not.
    """
    from bench import store_ingest

    raise typer.Exit(store_ingest.run(store_ingest.Asked(turns, chips, turn_s=seconds), quiet=json))


@bench.command("year")
def bench_year(
    minutes: Annotated[float, typer.Option(min=0.1, help="How long")] = 60.0,
    days: Annotated[int, typer.Option(min=2, max=3650, help="How many days in that time")] = 365,
    rate: Annotated[float, typer.Option(min=10, help="Messages a real second")] = 2000.0,
    engine: Annotated[str, typer.Option(help="postgresql or timescaledb")] = "postgresql",
    json: Annotated[bool, typer.Option("--json", help="Only the JSON line on stdout, no progress")] = False,
) -> None:
    """A year of days in an hour: partitions or chunks made, compressed and dropped while messages come, and no stall.

    On a throw-away stack. The clocks of chips, ingest and maintenance jump by a day every ten seconds; messages, ingest and
    maintenance are real. Last line of stdout: one JSON object with "commit_ms" {"p50", "p99", "max", "over_1s"}. Exit code 1
    where a commit took more than a second or a message is missing.
    """
    from bench import years
    from bench.store_servers import ENGINES

    if engine not in ENGINES:
        raise typer.BadParameter(f"one of {', '.join(ENGINES)}", param_hint="--engine")
    raise typer.Exit(years.run(years.Asked(minutes, days, rate, engine), quiet=json))


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
