"""What is done from beside a demo: ask the one that runs for a story; remove everything of one that does not run.

Refuses to touch a demo's data while it runs.
"""

import json
import os
import shutil
import sys
from pathlib import Path

import httpx
import psycopg

from weld.cli.demo import leftovers
from weld.cli.demo.premises import MARK, RUNNING, Wanted, alone
from weld.cli.demo.progress import say
from weld.cli.demo.stories import PLOTS
from weld.cli.postgres import EmbeddedPostgres
from weld.cli.stack import CLONE
from weld.store import setup


def play(name: str, folder: Path | None) -> int:
    """Ask the running demo for a story; 1 where none runs or it cannot play it now, 2 where there is no such story."""
    if name not in PLOTS:
        say(f"there is no story {name}; there are {', '.join(PLOTS)}")
        return 2
    try:
        page = json.loads((Wanted(folder=folder).place / RUNNING).read_text())["page"]
        answer = httpx.post(f"{page}/stories/{name}", headers={MARK: "command"}, timeout=10)
        told = answer.json()
    except (OSError, ValueError, httpx.TransportError):
        say("no demo is running: start it with `make demo` or `weldgate demo`")
        return 1
    print(told["zh"], told["en"], sep="\n", file=sys.stdout if answer.is_success else sys.stderr)
    if answer.is_success:
        print(told["look"])
    return 0 if answer.is_success else 1


def reset(folder: Path | None) -> int:
    """Remove the demo's database and folder; 1 while it runs."""
    wanted = Wanted(folder=folder)
    try:
        with alone(wanted.place):
            leftovers.end(wanted.place)
            _drop(wanted.database)
            shutil.rmtree(wanted.place)
    except (RuntimeError, OSError, psycopg.OperationalError) as error:
        say(str(error))
        return 1
    say("示范已清空 / the demo's database and folder are gone")
    return 0


def _drop(database: str) -> None:
    given = os.environ.get("WELDGATE_DATABASE_URL")
    if given:
        setup.drop_database(given, database)
        return
    with EmbeddedPostgres(CLONE) as server:
        setup.drop_database(server.url, database)
