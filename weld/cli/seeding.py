"""`weldgate seed`: composes the clone's stack and the seed function; prints what was made.

Refuses to print a secret anywhere but on stdout, once.
"""

import asyncio
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from api.settings import ApiSettings
from weld.cli.as_api import as_api
from weld.cli.seed import MadeSecret, SeedError, seed
from weld.core import totp
from weld.kit.settings import Settings


def run(file: Path) -> int:
    """Seed the clone's own database, or the one that a container is told of; 1 where the file was refused."""
    try:
        return _seed(file)
    except (RuntimeError, ValueError, psycopg.OperationalError) as error:
        print(f"weldgate: {error}", file=sys.stderr)
        return 1


def _seed(file: Path) -> int:
    with as_api() as (url, vault):
        try:
            summary = asyncio.run(seed(file, url, vault, now=datetime.now(UTC), shards=Settings().shards))
        except SeedError as error:
            print(error, *error.faults, sep="\n", file=sys.stderr)
            return 1
    print(summary.table(), file=sys.stderr)
    for made in summary.secrets:
        print(json.dumps(told(made), ensure_ascii=False))
    return 0


def told(made: MadeSecret) -> dict[str, str]:
    """A made secret as its line says it; a second factor also as the address that an authenticator takes in."""
    words = {name: value for name, value in made._asdict().items() if value is not None}
    if made.totp_secret is not None:
        words["totp_uri"] = totp.uri(made.totp_secret, made.name, ApiSettings().installation_name)
    return words
