"""`weldgate ...`: the command. Each process alone, all together, and the tools around them.

Refuses work of its own: every command calls one function of another file. JSON goes to stdout, progress to stderr.
"""

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from weld.cli.backup_command import backup, restore
from weld.cli.bench_command import bench, chaos
from weld.cli.doctor_command import doctor
from weld.cli.export_command import export
from weld.cli.rollups_command import rollups
from weld.cli.vault_command import vault

app = typer.Typer(
    name="weldgate",
    help="焊码通 weldgate: licensed welding with a chip and a code on every machine.\n\n"
    "`weldgate up` starts everything on this machine; `weldgate smoke` plays the whole story once.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _process(name: str, workers: int = 1) -> None:
    from weld.cli import processes

    raise typer.Exit(processes.run(name, workers))


@app.command()
def ingest(
    workers: Annotated[
        int,
        typer.Option(
            min=1,
            max=64,
            help="How many processes; their doors follow WELDGATE_DOOR_PORT, or are free ports, in the log",
        ),
    ] = 1,
) -> None:
    """Chips' words into the database: fold, judge, confirm.

    All workers, also those on other hosts, share the groups of shards evenly by leases: start one more and it has its part in
    seconds, stop or kill one and the others have its part in less than ten. About one worker for each core that the database
    leaves free; more workers than groups stand by.
    """
    _process("ingest", workers)


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


_Folder = Annotated[Path | None, typer.Option(hidden=True, help="Where the demo keeps its files")]


@app.command()
def demo(
    machines: Annotated[int, typer.Option(help="How many machines, 12 to 20000")] = 300,
    speed: Annotated[
        float, typer.Option(min=1, max=60, help="How fast the plan of the day runs; tickets stay real")
    ] = 1.0,
    scenario: Annotated[
        str | None, typer.Option(help="Let the running demo play: expired, bypass, overrun, clone, offline")
    ] = None,
    free_ports: Annotated[bool, typer.Option(help="Listen on free ports instead of the fixed ones")] = False,
    folder: _Folder = None,
) -> None:
    """A living made-up city on this machine: everything started, 300 machines at work, stories now and then. Ctrl-C stops it.

    With --scenario NAME the demo that runs already plays this story at once.
    """
    if scenario is not None:
        from weld.cli.demo import beside

        raise typer.Exit(beside.play(scenario, folder))
    from weld.cli.demo import command
    from weld.cli.demo.premises import Wanted

    raise typer.Exit(command.run(Wanted(machines, speed, folder, free_ports)))


@app.command()
def demo_reset(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask")] = False,
    folder: _Folder = None,
) -> None:
    """Remove the demo's database and files; the next `weldgate demo` starts afresh. What `weldgate up` keeps stays."""
    from weld.cli.demo import beside

    if not yes:
        typer.confirm("清空示范城市？ / Remove the demo's data?", abort=True)
    raise typer.Exit(beside.reset(folder))


@app.command()
def migrate() -> None:
    """Bring the database to the schema of this program."""
    from weld.cli.stack import Stack

    with Stack.main(needs_broker=False) as stack:
        print(f"the database {stack.database} has the schema of this program", file=sys.stderr)


@app.command()
def prepare(
    folder: Annotated[Path, typer.Argument(help="Where to; inside it a folder for each reader")],
    postgres: Annotated[
        str, typer.Option(help="Where processes reach a PostgreSQL that starts with the password made here")
    ] = "127.0.0.1:5432",
    broker: Annotated[str, typer.Option(help="Where processes reach the broker")] = "127.0.0.1:18831",
    host: Annotated[
        list[str] | None,
        typer.Option(help="A name or address by which chips reach the broker; may stand several times"),
    ] = None,
    containers: Annotated[
        bool, typer.Option("--containers", help="The servers are containers on networks of their own")
    ] = False,
    database: Annotated[
        bool, typer.Option("--database", help="Nothing but roles, database and schema; the server must run")
    ] = False,
) -> None:
    """What processes need beside servers that are not ours: secrets, the broker's files, and for each process what it is told.

    WELDGATE_DATABASE_URL, where it is set, takes the place of --postgres. A second time keeps all secrets.
    """
    from weld.cli import prepare as preparing

    servers = preparing.told(postgres, broker, host or ["localhost"], containers=containers)
    raise typer.Exit(preparing.run(folder, servers, database=database))


@app.command()
def certify(
    prepared: Annotated[Path, typer.Argument(help="The folder that `weldgate prepare` made")],
    chip: Annotated[str, typer.Argument(help="The chip's id: 8 to 32 of A-Z and 0-9")],
    public_key: Annotated[Path, typer.Argument(help="The chip's public key as PEM, EC P-256")],
    days: Annotated[int, typer.Option(min=1, max=3650, help="How long the certificate is good")] = 365,
) -> None:
    """A certificate for a chip's own key, and all else that the chip is given at enrolment, as one JSON object on stdout."""
    from weld.cli import authority

    raise typer.Exit(authority.certify(prepared, chip, public_key, days))


@app.command()
def init(
    file: Annotated[
        Path | None,
        typer.Option(help="TOML: public_url, [division], [system], [security], [audit]; without it you are asked"),
    ] = None,
    again: Annotated[
        bool,
        typer.Option("--again", help="Fresh secrets for those of the three who have not enrolled yet; nothing else"),
    ] = False,
) -> None:
    """Set up a new installation: public address, topmost division, and three administrators who are three different people.

    Each of them gets a secret, shown once on stdout, to set a password of his own. Exit code 1: refused, 3: set up already.
    """
    from weld.cli import init as setting_up

    raise typer.Exit(setting_up.run(file, again=again))


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


divisions = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
app.add_typer(divisions, name="divisions", help="Divisions of the administration: codes, names, areas.")


@divisions.command("import")
def divisions_import(
    folder: Annotated[
        Path | None, typer.Option("--from", help="Where divisions.json.gz lies; without it what `make pages` made")
    ] = None,
    province: Annotated[
        list[str] | None, typer.Option(help="Only this province, e.g. 41; as often as you like")
    ] = None,
    townships: Annotated[
        bool,
        typer.Option("--townships", help="Townships and development zones too; `tools/pages --codes` fetches them"),
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done")] = False,
    many_may_end: Annotated[
        bool, typer.Option("--many-may-end", help="The list is whole, although many divisions are not in it")
    ] = False,
    on: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="From which day on the changes hold; today")
    ] = None,
) -> None:
    """Divisions from province to county out of published lists, with the areas that tell in which one a place lies.

    What is there stays; what vanished from its list ends and stays readable; a second time changes nothing. Progress and
    differences on stderr; the last line of stdout is one JSON object.
    """
    from weld.cli import divisions as publishing

    day = None if on is None else on.date()
    asked = publishing.Asked(folder, province or (), townships, dry_run, many_may_end, day)
    raise typer.Exit(publishing.run(asked))


importing = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
app.add_typer(importing, name="import", help="Tables that people keep, into the registers.")


@importing.command("workers")
def import_workers(
    file: Annotated[Path, typer.Argument(help="CSV (UTF-8 or GB18030) or XLSX; the console has the empty table")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what it would do")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before the rows are entered")] = False,
    errors: Annotated[
        Path | None, typer.Option(help="Where the rows go that are wrong, as CSV to be mended and imported again")
    ] = None,
) -> None:
    """Workers with their certificates from a table: what is wrong is shown first, then whatever is right is entered.

    The same table twice changes nothing. Interrupted, it goes on in any api that runs. Last line of stdout: one JSON object.
    """
    from weld.cli import importing as bringing

    raise typer.Exit(bringing.run(bringing.Asked(file, dry_run, yes, errors)))


@app.command()
def plates(
    out: Annotated[Path, typer.Option(help="FILE.pdf: A4 sheets of 24 in true size; FILE.svg: one plate")],
    enterprise: Annotated[str | None, typer.Option(help="All machines of this enterprise, by its credit code")] = None,
    division: Annotated[
        str | None, typer.Option(help="All machines of this division and below it, by its code")
    ] = None,
    plate: Annotated[list[str] | None, typer.Option(help="This machine; as often as you like")] = None,
) -> None:
    """Print plates with their codes; every code is read back as it is made.

    The address on them is WELDGATE_PUBLIC_URL, the name WELDGATE_INSTALLATION_NAME, the number to call WELDGATE_HOTLINE.
    """
    from weld.cli import plates as printing

    asked = printing.Asked(enterprise=enterprise, division=division, plates=plate or ())
    raise typer.Exit(printing.run(asked, out))


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


app.command()(doctor)


app.add_typer(bench, name="bench", help="Measure, beside a baseline in the same run.")
app.add_typer(chaos, name="chaos", help="Break things under load, then check that every promise was kept.")


@app.command()
def load(
    chips: Annotated[int, typer.Option(min=1, max=10_000_000, help="How many chips")] = 1000,
    rate: Annotated[
        float, typer.Option(min=0, help="Messages a second; with --direct 0 = as many as get stored")
    ] = 200.0,
    seconds: Annotated[float, typer.Option(min=0.1, help="How long")] = 60.0,
    seed: Annotated[int, typer.Option(help="The same seed says the same words")] = 1,
    storm_every: Annotated[float, typer.Option(help="Drop all connections every so many seconds; 0 = never")] = 0.0,
    direct: Annotated[
        bool,
        typer.Option("--direct", help="Publish for all chips over a few connections: for more than files may be open"),
    ] = False,
    join: Annotated[
        bool, typer.Option("--join", help="On the clone's running stack, whose registers then keep the LOAD machines")
    ] = False,
) -> None:
    """Load on a throw-away stack: light chips, each with a connection of its own, one in ten of them welding.

    `weldgate load --chips 10000 --rate 2000 --storm-every 20`: 10,000 connections that all break now and then.
    `weldgate load --direct --chips 100000 --rate 0`: how much ingest takes.

    Progress on stderr; the last line of stdout is one JSON object.
    """
    from bench import loading

    raise typer.Exit(loading.run(loading.Asked(chips, rate, seconds, seed, storm_every, direct, join)))


audit = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
app.add_typer(audit, name="audit", help="Who did what to what: a chain that nobody can change unseen.")


@audit.command("verify")
def audit_verify(
    anchor: Annotated[
        Path | None, typer.Option(help="An anchor from elsewhere; those of the anchors' folder are checked anyway")
    ] = None,
    key: Annotated[
        Path | None, typer.Option(help="The key that signed them (PEM, the public half is enough), if not this one's")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout")] = False,
) -> None:
    """Look through the whole audit. Exit code 0: the chain holds; 1: it is broken; 2: that cannot be told.

    Needs no running stack. WELDGATE_DATABASE_URL names another server, WELDGATE_DATABASE another database.
    --json prints {"rows", "first", "last", "head", "holds", "broken_at"}.
    """
    from weld.cli import audit as auditing

    raise typer.Exit(auditing.run(anchor, key, as_json=json))


app.command()(backup)
app.command()(restore)
app.command()(export)
app.add_typer(vault, name="vault", help="The keys of personal fields.")
app.add_typer(rollups, name="rollups", help="Sums by machine, division and enterprise.")


@app.command()
def contracts(
    check: Annotated[bool, typer.Option(help="Change nothing; exit 1 when a committed contract has drifted")] = False,
) -> None:
    """Write the generated contracts: JSON Schema and AsyncAPI of the chip protocol, OpenAPI of the API."""
    from weld.cli import contracts as generated

    raise typer.Exit(generated.run(check=check))


if __name__ == "__main__":
    app()
