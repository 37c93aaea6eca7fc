"""Where a webhook really goes: its host resolved once, that very address held against the allow-list, and connected to.

Refuses to resolve a second time (a name can answer otherwise the next moment) and to leave the choice to the HTTP client.
"""

import asyncio
import socket
import threading
from contextlib import suppress
from ipaddress import ip_address
from typing import NamedTuple

from weld.core.address import Address, Entry, parse, permits
from weld.core.fault import Fault


class Target(NamedTuple):
    """One address to connect to, and what TLS and the Host header must say."""

    url: str
    host: str
    host_header: str


class Refused(Exception):
    """We do not connect; `kind` is one of bad_address, dns, not_allowed."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


class Guard:
    """Knows the allow-list."""

    def __init__(self, allowed: tuple[Entry, ...]) -> None:
        self._allowed = allowed

    async def target(self, url: str) -> Target:
        """What to connect to; Refused where that is nowhere."""
        address = parse(url)
        if isinstance(address, Fault):
            raise Refused("bad_address")
        for text in await _resolve(address.host):
            if permits(self._allowed, address, ip_address(text)):
                return _target(address, text)
        raise Refused("not_allowed")


async def _resolve(host: str) -> list[str]:
    """In a thread of its own that nobody waits for at the end: a silent name server holds it for half a minute."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[list[str] | None] = loop.create_future()

    def tell(found: list[str] | None) -> None:
        if not answer.done():
            answer.set_result(found)

    def ask() -> None:
        found = _look_up(host)
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(tell, found)

    threading.Thread(target=ask, daemon=True, name="resolve").start()
    found = await answer
    if found is None:
        raise Refused("dns")
    return found


def _look_up(host: str) -> list[str] | None:
    try:
        answers = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return None
    return [str(answer[4][0]).partition("%")[0] for answer in answers]


def _target(address: Address, ip: str) -> Target:
    place = f"[{ip}]" if ":" in ip else ip
    name = f"[{address.host}]" if ":" in address.host else address.host
    usual = {"http": 80, "https": 443}[address.scheme] == address.port
    return Target(
        url=f"{address.scheme}://{place}:{address.port}{address.target}",
        host=address.host,
        host_header=name if usual else f"{name}:{address.port}",
    )
