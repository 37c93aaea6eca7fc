"""Brings the made-up city into the demo's registers, through the functions that the API uses; the second time there is nothing
to do.

What was entered is marked in `city.json`; where the mark and the database agree, only the addresses of this run's webhook
receivers are entered again. Refuses to delete anything: a smaller city leaves the larger one's machines in the registers.
"""

import json
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from weld.cli.demo.accounts import Accounts
from weld.cli.demo.city import SHARDS, City, worker_entry
from weld.cli.homes import write_private
from weld.cli.seed import seed
from weld.cli.stack import Stack
from weld.cli.town import make_webhook_secret
from weld.core.rights import BUSINESS_RIGHTS
from weld.store import machines
from weld.store.connect import pool, scoped

# Whose own systems receive webhooks: name and division.
RECEIVERS = (("安阳市指挥中心", "4105"), ("文峰区执法队", "410502"))
MARK_FILE = "city.json"  # without it nothing of this demo was ever entered, or it can no longer be opened


@dataclass(frozen=True)
class Words:
    """Secrets of this demo that nobody signs in with by hand: of the webhooks, and of the demo's own system."""

    hooks: tuple[str, ...]
    key: str


def words_of(folder: Path) -> Words:
    """As they were made at the first start."""
    file = folder / "secrets" / "demo.json"
    if not file.exists():
        made = Words(tuple(make_webhook_secret() for _ in RECEIVERS), "wgk_" + secrets.token_urlsafe(32))
        write_private(file, json.dumps(asdict(made)))
    known = json.loads(file.read_text())
    return Words(tuple(known["hooks"]), known["key"])


async def settle(stack: Stack, city: City, accounts: Accounts, say: Callable[[str], None]) -> bool:
    """Whether anything had to be entered."""
    entries, file = _entries(stack, city, accounts), stack.folder / MARK_FILE
    mark = _mark(city, accounts)
    if file.exists() and json.loads(file.read_text())["mark"] == mark and await _is_there(stack, city):
        return False
    await _enter(stack, entries, say)
    write_private(file, json.dumps({"mark": mark, "machines": city.machines_wanted}))
    return True


async def enter_receivers(stack: Stack, urls: tuple[str, ...]) -> None:
    """Where webhooks go in this run."""
    words = words_of(stack.folder)
    endpoints = [
        {"name": name, "division": division, "url": url, "secret": secret, "state": "active"}
        for (name, division), url, secret in zip(RECEIVERS, urls, words.hooks, strict=True)
    ]
    await _enter(stack, {"endpoints": endpoints}, lambda _: None)


def _entries(stack: Stack, city: City, accounts: Accounts) -> dict[str, Any]:
    entries, people = city.seed(), [one.worker for one in accounts.workers]
    papers = [paper for one in people if (paper := city.certificate(one)) is not None]
    return entries | {
        "workers": entries["workers"] + [worker_entry(one) for one in people],
        "certificates": entries["certificates"] + papers,
        "officers": [one.entry() for one in accounts.officers],
        "officer_keys": [_key(words_of(stack.folder).key)],
    }


def _key(secret: str) -> dict[str, Any]:
    return {
        "name": "示范城市自用",
        "scope": "platform",
        "rights": list(BUSINESS_RIGHTS),
        "expires_at": (datetime.now(UTC) + timedelta(days=3650)).isoformat(),
        "secret": secret,
    }


def _mark(city: City, accounts: Accounts) -> str:
    """The same for the same city, on whatever day it was entered."""
    timeless = City(city.machines_wanted, date(2026, 1, 1)).seed()
    people = [[repr(one) for one in accounts.officers], [repr(one.worker) for one in accounts.workers]]
    return sha256(json.dumps([timeless, people], sort_keys=True).encode()).hexdigest()


async def _is_there(stack: Stack, city: City) -> bool:
    """Somebody may have dropped the database and left the mark."""
    async with pool(stack.role_url("api"), "demo", size=1) as connections, scoped(connections, "platform") as conn:
        return await machines.public(conn, city.machines[-1].plate) is not None


async def _enter(stack: Stack, entries: dict[str, Any], say: Callable[[str], None]) -> None:
    file = stack.folder / "entries.json"
    write_private(file, json.dumps(entries, ensure_ascii=False))
    try:
        vault = stack.installation.vault
        await seed(file, stack.role_url("api"), vault, now=datetime.now(UTC), shards=SHARDS, say=say)
    finally:
        file.unlink()
