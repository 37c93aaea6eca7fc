"""`weldgate ...`: the command. Each process alone, all together, and the tools around them.

Refuses work of its own: every command calls one function of another file. JSON goes to stdout, progress to stderr.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="weldgate",
    help="焊码通 weldgate: licensed welding with a chip and a code on every machine.\n\n"
    "`weldgate up` starts everything on this machine; `weldgate smoke` plays the whole story once.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _process(name: str) -> None:
    from weld.cli import processes

    raise typer.Exit(processes.run(name))


@app.command()
def ingest() -> None:
    """Chips' words into the database: fold, judge, confirm. A second one takes over what the first leaves, by leases."""
    _process("ingest")


@app.command()
def gateway() -> None:
    """Commands to chips: sign tickets and orders with the permit key, and send them."""
    _process("gateway")


@app.command()
def dispatch() -> None:
    """Facts to people: signed webhooks, repeated until they are taken."""
    _process("dispatch")


@app.command()
def api() -> None:
    """The HTTP door for phones, officers and the public."""
    _process("api")


@app.command()
def maintain() -> None:
    """Partitions and retention; connects as owner."""
    _process("maintain")


@app.command()
def up() -> None:
    """Everything together on this machine; Ctrl-C stops it, the data stays."""
    from weld.cli import up as together

    raise typer.Exit(together.run())


@app.command()
def migrate() -> None:
    """Bring the database to the schema of this program."""
    from weld.cli.stack import Stack

    with Stack.main(needs_broker=False) as stack:
        print(f"the database {stack.database} has the schema of this program", file=sys.stderr)


@app.command()
def seed(
    file: Annotated[Path, typer.Argument(help="Registers as YAML or JSON; docs/examples/seed-anyang.yaml shows all")],
) -> None:
    """Fill the registers from a file: divisions, enterprises, machines, chips, workers, certificates, endpoints, keys.

    The whole file is checked first; every mistake is named, and then nothing is entered. Seeding twice changes nothing.
    Secrets that are made on the way are shown once, on stdout.
    """
    from weld.cli import seeding

    raise typer.Exit(seeding.run(file))


@app.command()
def simulator(
    file: Annotated[Path, typer.Argument(help="The seed file whose chips are to live")],
    scenario: Annotated[
        str | None, typer.Option(help="Scenario lines for the first machine, e.g. 'bypass 150A 5s; wait stored 20s'")
    ] = None,
    count: Annotated[int, typer.Option(min=0, help="How many of the file's chips; 0 = all")] = 0,
    bypasses: Annotated[float, typer.Option(help="How often a machine is worked past its chip, an hour")] = 0.0,
) -> None:
    """Reference chips of a seed file, living an ordinary day on the running stack."""
    from weld.cli import simulating

    raise typer.Exit(simulating.run(file, scenario, count, bypasses))


@app.command()
def smoke() -> None:
    """The whole story once, on a throw-away stack: refuse, unlock, weld, record, bypass, alert, webhook.

    Progress on stderr; the last line of stdout is one JSON object. Exit code 0 only if everything held.
    """
    from weld.cli import smoke as story

    raise typer.Exit(story.run())


@app.command()
def replay(
    file: Annotated[Path, typer.Argument(help="A recording: CSV with t_s,current_a,voltage_v")],
    json: Annotated[bool, typer.Option("--json", help="Only the JSON line on stdout, no progress")] = False,
    licensed: Annotated[bool, typer.Option(help="Under a licensed session instead of past the chip")] = False,
    speed: Annotated[
        float, typer.Option(min=1, max=60, help="How many recorded seconds in a real one; 1 = real speed")
    ] = 20.0,
) -> None:
    """Play a recording as a chip's sensor through the real broker, ingest and database, and say what came of it.

    Last line of stdout: {"arc_seconds", "weld_bursts", "sessions", "alerts": [{"code", "at_s"}], "sensor_faults"}.
    """
    from weld.cli import replay as playing

    raise typer.Exit(playing.run(file, licensed=licensed, speed=speed, quiet=json))


@app.command()
def webhook_sink(
    secret_file: Annotated[Path, typer.Option(help="File with the endpoint's secret (whsec_...), one a line")],
    port: Annotated[int, typer.Option(help="Loopback port; 0 = a free one")] = 8790,
    fail_first: Annotated[int, typer.Option(help="Answer so many requests with --status first; -1 = all")] = 0,
    status: Annotated[int, typer.Option(help="The failing answer")] = 503,
    delay: Annotated[float, typer.Option(help="Seconds to wait before each answer")] = 0.0,
) -> None:
    """Receive webhooks: verify each signature and print one JSON line for each that holds."""
    from weld.cli.webhook_sink import Failures, read_secrets, run
    from weld.kit.log import configure
    from weld.kit.run import run as run_until_stopped

    failures = Failures(first=fail_first, status=status, delay_s=delay)
    configure("webhook-sink", json=False)
    try:
        secrets = read_secrets(secret_file)
    except (OSError, ValueError) as error:
        print(f"webhook-sink: {error}", file=sys.stderr)
        raise typer.Exit(2) from None
    raise typer.Exit(run_until_stopped(lambda stop: run(port, secrets, failures, stop)))


@app.command()
def contracts(
    check: Annotated[bool, typer.Option(help="Change nothing; exit 1 when a committed contract has drifted")] = False,
) -> None:
    """Write the generated contracts: JSON Schema and AsyncAPI of the chip protocol, OpenAPI of the API."""
    from weld.cli import contracts as generated

    raise typer.Exit(generated.run(check=check))


if __name__ == "__main__":
    app()
