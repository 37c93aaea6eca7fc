"""The issuer's register over HTTP: certificates are asked about, one after another, and what it says is settled.

A fixed address of the installation, on its allow-list, by POST, so that no number stands in an address; redirects are not
followed, the whole call has one time limit, an answer one size. A certificate's own QR link is never looked at: nothing here
takes an address from a certificate or from an answer. Refuses to believe a round of answers that knows hardly anybody.
"""

import asyncio
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple
from urllib.parse import urlsplit

import httpx
import structlog
from prometheus_client import Counter

from api.parts import Parts
from api.settings import ApiSettings
from weld.core import issuer
from weld.core.issuer import Answer, Asked, Known
from weld.kit.clock import Clock
from weld.store import acts, audit, fields, issuers, workers
from weld.store.acts import ActRow
from weld.store.audit import Trace
from weld.store.connect import scoped
from weld.store.issuers import DueRow
from weld.store.vault import Vault

log = structlog.get_logger()

_ASKED = Counter("weldgate_register_questions_total", "Questions to the issuer's register", ["outcome"])
_ACTOR = "rule:register"
_LARGEST_ANSWER = 16 * 1024
# One that got no answer is not asked about again before.
_AGAIN = timedelta(hours=1)


class RegisterAddressError(ValueError):
    """The register's address is not on the allow-list; the message says which setting."""


@dataclass(frozen=True, slots=True)
class HttpRegister:
    """The HTTP adapter of the port: a question in, an answer or None out."""

    url: str
    timeout_s: float
    clock: Clock
    key: str | None = None

    async def ask(self, asked: Asked) -> Answer | None:
        """What the register says now; None where it says nothing that can be used."""
        # identity: a small answer must not unpack into a large one
        headers = {"Accept-Encoding": "identity"}
        if self.key is not None:
            headers["Authorization"] = f"Bearer {self.key}"
        words = {"kind": asked.kind, "number": asked.number, "item": asked.item}
        try:
            async with (
                asyncio.timeout(self.timeout_s),
                httpx.AsyncClient(follow_redirects=False, trust_env=False) as http,
                http.stream("POST", self.url, json=words, headers=headers) as answer,
            ):
                body = await _body(answer)
        except (httpx.HTTPError, TimeoutError) as error:
            _unanswered(type(error).__name__)
            return None
        found = issuer.read(body, self.clock.now()) if answer.status_code == httpx.codes.OK else None
        if found is None:
            _unanswered(f"status {answer.status_code}, no answer of the agreed shape")
            return None
        _ASKED.labels("not_found" if found.said is None else found.said).inc()
        return found


class Round(NamedTuple):
    """What one round came to."""

    asked: int
    settled: int


def register_of(settings: ApiSettings, clock: Clock) -> HttpRegister | None:
    """The register of this installation; None where it names none. RegisterAddressError where it is not allowed."""
    if not settings.register_url:
        return None
    allowed = {host.strip().lower() for host in settings.register_hosts.split(",") if host.strip()}
    if (urlsplit(settings.register_url).hostname or "").lower() not in allowed:
        raise RegisterAddressError("WELDGATE_REGISTER_URL: its host is not in WELDGATE_REGISTER_HOSTS")
    key = settings.register_key_file.read_text(encoding="utf-8").strip() if settings.register_key_file else None
    return HttpRegister(settings.register_url, settings.register_timeout_s, clock, key)


async def known(parts: Parts, register: HttpRegister, row: DueRow) -> Known | None:
    """The register's word on a certificate; where it gives none, the one that is kept, marked as stale."""
    answer = await register.ask(_question(parts.vault, row))
    async with scoped(parts.pool, "platform") as conn:
        if answer is not None:
            await issuers.keep(conn, row, answer)
            return Known(answer, stale=False)
        kept = await issuers.kept(conn, row)
    most = timedelta(seconds=parts.settings.register_keep_s)
    return Known(kept, stale=True) if kept is not None and issuer.usable(kept, parts.clock.now(), most) else None


async def turn(parts: Parts, register: HttpRegister) -> Round:
    """One round: those not asked about for longest, and what follows."""
    settings, now = parts.settings, parts.clock.now()
    before = now - timedelta(days=settings.register_recheck_days)
    async with scoped(parts.pool, "platform") as conn:
        await issuers.forget(conn, now - timedelta(seconds=settings.register_keep_s))
        rows = await issuers.due(conn, now, before, now - _AGAIN, settings.register_batch)
    words = [(row, await known(parts, register, row)) for row in rows]
    found = [(row, word.answer) for row, word in words if word is not None and not word.stale]
    if not issuer.is_plausible([answer for _, answer in found]):
        log.error("register_not_believed", answers=len(found))
        return Round(len(rows), 0)
    for row, answer in found:
        await _settle(parts, row, answer)
    return Round(len(rows), len(found))


async def _settle(parts: Parts, row: DueRow, answer: Answer) -> None:
    """Write what follows: the state with its record where it changed, and in any case when it was asked."""
    async with scoped(parts.pool, "platform") as conn:
        await workers.hold(conn, row.worker)
        held = await acts.hold(conn, row.id)
        if held is None:
            return
        state, after = held[0], issuer.settled(held[0], answer)
        await issuers.settle(conn, row.id, after, answer.at)
        if after != state:
            word = "not_found" if answer.said is None else answer.said
            act = ActRow(answer.at, _ACTOR, "answer", state, after, word)
            await acts.record(conn, row.id, act)
            words = {"worker": str(row.worker), "before": state, "after": after}
            trace = Trace(parts.clock.now(), _ACTOR, "certificate.answer", str(row.id), words)
            await audit.append(conn, [trace])


def _question(vault: Vault, row: DueRow) -> Asked:
    return Asked(row.kind, vault.open(fields.CERTIFICATE_NUMBER, row.id, row.number_sealed), row.item)


def _unanswered(why: str) -> None:
    _ASKED.labels("unanswered").inc()
    log.warning("register_unanswered", why=why)


async def _body(answer: httpx.Response) -> object | None:
    """The JSON of an answer; None where it is too large or none."""
    text = b""
    async for part in answer.aiter_raw():
        text += part
        if len(text) > _LARGEST_ANSWER:
            return None
    try:
        found: object = json.loads(text)
    except ValueError:
        return None
    return found
