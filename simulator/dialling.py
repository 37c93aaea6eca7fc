"""How a link comes about: the socket, plain (profile 0) or with certificates on both sides (profile 3), in bounded time.

Every failure ends in the link's `refuse`; nothing is tried again here, for the chip decides when to dial (P15).
"""

import asyncio
import ssl
from collections.abc import Callable

from simulator.identity import ChipIdentity, Tls
from simulator.link import DIAL_S, Broker, Link, LinkCounters


async def dial(link: Link, broker: Broker, tls: Tls | None, gate: asyncio.Semaphore | None = None) -> None:
    """Opens the link's socket; `gate` keeps a fleet below the broker's listen backlog."""
    try:
        if gate is None:
            await _open(link, broker, tls)
            return
        async with gate:
            await _open(link, broker, tls)
    except (OSError, TimeoutError) as error:
        link.refuse(f"{type(error).__name__}: {error}")


async def _open(link: Link, broker: Broker, tls: Tls | None) -> None:
    context = None if tls is None else tls_context(tls)
    async with asyncio.timeout(DIAL_S):
        await asyncio.get_running_loop().create_connection(lambda: link, broker.host, broker.port, ssl=context)


def tls_context(tls: Tls) -> ssl.SSLContext:
    """Profile 3: both sides show a certificate."""
    context = ssl.create_default_context(cafile=str(tls.authority))
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(str(tls.certificate), str(tls.key))
    return context


async def open_link(
    identity: ChipIdentity, broker: Broker, will: bytes, heard: Callable[[bytes], None], lost: Callable[[], None]
) -> Link:
    """A link that is up; OSError or TimeoutError where the broker refuses or is not there."""
    caller = _Caller(heard, lost)
    link = Link(identity, broker, will, caller, LinkCounters())
    await dial(link, broker, identity.tls)
    await caller.up
    return link


class _Caller:
    """Owns a link in the place of a device."""

    def __init__(self, heard: Callable[[bytes], None], lost: Callable[[], None]) -> None:
        self.up: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._heard = heard
        self._lost = lost

    def link_up(self, link: Link) -> None:  # noqa: ARG002  (the shape of all owners)
        self.up.set_result(None)

    def link_down(self, link: Link, reason: str) -> None:  # noqa: ARG002
        if self.up.done():
            self._lost()
        else:
            self.up.set_exception(ConnectionRefusedError(reason))

    def link_got(self, link: Link, payload: bytes) -> None:  # noqa: ARG002
        self._heard(payload)
