"""`weldgate smoke`: the whole story once, through HTTP, MQTT and webhooks only, on a throw-away stack of real processes.

Refused, unlocked, welded, recorded, bypassed, alarmed, told; a lost range seen and filled; nobody's number anywhere. Every step
is a promise that is checked; the first one broken ends the story with exit code 1.
"""

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx

from simulator.device import Device
from simulator.identity import ChipIdentity
from weld.cli.stack import PROCESSES, Stack
from weld.cli.story import Codes, Officer, Overheard, Phone, client, settle
from weld.cli.town import EXPIRED, LICENSED, Town, make_webhook_secret
from weld.cli.webhook_sink import Hook, WebhookSink
from weld.kit.clock import SystemClock

SHARDS = 8
_QUICK = {"shards": str(SHARDS), "webhook_allow": "127.0.0.1/32", "stored_after_s": "1", "resend_after_s": "3"}


class Broken(AssertionError):
    """A promise of the story that did not hold."""


def promise(held: object, what: str) -> None:
    """Broken unless `held`."""
    if not held:
        raise Broken(what)


@dataclass(slots=True)
class Story:
    """Who acts, and what was measured."""

    stack: Stack
    town: Town
    phone: Phone
    officer: Officer
    sink: WebhookSink
    overheard: Overheard
    codes: Codes
    licensed: Device
    bypassed: Device
    measured: dict[str, float] = field(default_factory=dict)
    session: str = ""


async def refuse_the_expired(story: Story) -> None:
    """An expired worker is refused with the reason and the way out, and the attempt is an alert."""
    await story.phone.sign_in(EXPIRED)
    answer = await story.phone.scan(story.town.plate(0), "smoke-refused")
    promise(answer.status_code == 403, f"an expired worker got {answer.status_code}")
    reasons = {reason["code"]: reason for reason in answer.json()["reasons"]}
    promise("certificate_expired" in reasons, f"refused, but for {sorted(reasons)}")
    promise(reasons["certificate_expired"]["way_out"], "the refusal shows no way out")
    alerts = await story.officer.alerts(story.town.plate(0))
    promise([alert["code"] for alert in alerts] == ["A03"], "the attempt raised no A03")


async def unlock_the_licensed(story: Story) -> None:
    """A licensed worker scans, and the contact reports that it closed."""
    await story.phone.sign_in(LICENSED)
    began = time.monotonic()
    answer = await story.phone.scan(story.town.plate(0), "smoke-granted")
    promise(answer.status_code == 201, f"a licensed worker got {answer.status_code}: {answer.text[:300]}")
    told = await story.phone.wait_for(answer.json()["id"], "closed", "refused", "expired")
    story.measured["scan_to_click_ms"] = round((time.monotonic() - began) * 1000, 1)
    promise(told["state"] == "closed", f"the machine answered {told['state']}: {told.get('reason')}")
    promise(story.licensed.contact == "closed", "the page says closed, the contact does not")
    story.session = told["session"]


async def weld_and_lose_a_range(story: Story) -> None:
    """Ten seconds of welding; some messages are lost on the way, which shows as unknown time and not as a violation."""
    await story.licensed.weld(180.0, 3.0)
    story.licensed.lose_range(2)
    await story.licensed.weld(180.0, 22.0)
    record = await _until(
        lambda: _record_if(story, lambda told: unknown_ms(told) > 5000), "the lost range never showed as unknown"
    )
    story.measured["unknown_ms"] = unknown_ms(record)


async def end_the_session(story: Story) -> None:
    """The worker ends it; the range is filled; the record has the right arc time."""
    await story.phone.end(story.session)
    await story.licensed.wait_contact("open", 15)
    await story.licensed.wait_all_stored(60)
    record = await _until(
        lambda: _record_if(story, lambda told: told["state"] == "closed" and unknown_ms(told) < 1000),
        "the session did not close with all its time known",
    )
    promise(record["end_reason"] == "worker", f"the session ended by {record['end_reason']}")
    wanted = story.licensed.counters.arc_ms
    promise(abs(record["arc_ms"] - wanted) <= 1000, f"arc time {record['arc_ms']} ms, the sensor saw {wanted} ms")
    promise(await story.officer.alerts(story.town.plate(0)) != [], "the A03 is gone")
    codes = {alert["code"] for alert in await story.officer.alerts(story.town.plate(0))}
    promise(codes == {"A03"}, f"licensed work raised {sorted(codes - {'A03'})}")


async def bypass_the_chip(story: Story) -> None:
    """Another machine welds without a scan: one alert, and its webhook arrives signed."""
    plate = story.town.plate(1)
    began = time.time()
    welding = asyncio.create_task(story.bypassed.bypass_weld(160.0, 8.0))
    hook = await story.sink.wait_for(lambda told: told.body["data"]["plate"] == plate, 20)
    story.measured["arc_to_webhook_ms"] = round(_since(hook, began), 1)
    await welding
    await story.bypassed.wait_all_stored(60)
    promise(hook.body["data"]["code"] == "D01", f"the webhook tells of {hook.body['data']['code']}")
    alerts = await story.officer.alerts(plate)
    promise([alert["code"] for alert in alerts] == ["D01"], f"one episode raised {[alert['code'] for alert in alerts]}")


def _since(hook: Hook, began_s: float) -> float:
    """From the welding's beginning to the webhook's receipt."""
    received: datetime = hook.received_at
    return (received.timestamp() - began_s) * 1000


async def leak_nothing(story: Story) -> None:
    """No identity, phone or certificate number in any log, topic, payload or address."""
    logs = [child.log.read_text(errors="replace") for child in story.stack.children.values() if child.log is not None]
    leaks = story.overheard.leaks(*logs, *story.codes.lines, *(hook.text for hook in story.sink.received))
    promise(not leaks, f"found in logs, topics or addresses: {', '.join(leaks)}")


STORY: tuple[Callable[[Story], Awaitable[None]], ...] = (
    refuse_the_expired,
    unlock_the_licensed,
    weld_and_lose_a_range,
    end_the_session,
    bypass_the_chip,
    leak_nothing,
)


def unknown_ms(record: dict[str, Any]) -> int:
    """How much of a session nobody knows anything about."""
    return int(record["contact_ms"]) - int(record["covered_ms"])


async def _record_if(story: Story, fits: Callable[[dict[str, Any]], bool]) -> dict[str, Any] | None:
    record = await story.phone.session(story.session)
    return record if fits(record) else None


async def _until(look: Callable[[], Awaitable[dict[str, Any] | None]], otherwise: str) -> dict[str, Any]:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(40):
            while (found := await look()) is None:
                await asyncio.sleep(0.2)
            return found
    raise Broken(otherwise)


async def _play(stack: Stack) -> dict[str, Any]:
    secret = make_webhook_secret()
    async with WebhookSink(secret) as sink:
        town = Town(machines=2, shards=SHARDS, webhook_url=sink.url, webhook_secret=secret)
        await settle(stack, town)
        api = stack.start("api", pipe=True)
        for name in PROCESSES:
            if name != "api":
                stack.start(name)
        for child in stack.children.values():
            await asyncio.to_thread(child.wait_ready)
        _say("the stack is ready")
        return await _act(stack, town, sink, Codes(api), api.address)


async def _act(stack: Stack, town: Town, sink: WebhookSink, codes: Codes, address: str) -> dict[str, Any]:
    overheard, there = Overheard(), stack.broker(None)
    listening = asyncio.create_task(overheard.listen(stack))
    devices = [
        Device(
            ChipIdentity(town.chip(n), town.shard(n), stack.installation.pinned()),
            there.host,
            there.port,
            SystemClock(),
            seed=n,
        )
        for n in range(2)
    ]
    async with client(address, overheard) as http, devices[0], devices[1]:
        story = Story(
            stack,
            town,
            Phone(http, codes),
            Officer(http, town.officer_key),
            sink,
            overheard,
            codes,
            devices[0],
            devices[1],
        )
        for device in devices:
            await device.wait_all_stored(30)
        for step in STORY:
            _say((step.__doc__ or "").splitlines()[0])
            await step(story)
        listening.cancel()
        sessions = await story.officer.get("/sessions")
        alerts = [a for n in range(2) for a in await story.officer.alerts(town.plate(n))]
        return {**story.measured, "sessions": len(sessions["sessions"]), "alerts": len(alerts)}


def run() -> int:
    """Play it; 0 only if every promise held."""
    began = time.monotonic()
    told: dict[str, Any] = {"ok": False}
    with Stack.make_throwaway("smoke", **_QUICK) as stack:
        try:
            told = {"ok": True, **asyncio.run(_play(stack))}
        except (Broken, RuntimeError, TimeoutError, OSError, httpx.HTTPError, ExceptionGroup) as error:
            told["broken"] = f"{type(error).__name__}: {error}"[:500]
            _show(stack, told["broken"])
    told["seconds"] = round(time.monotonic() - began, 1)
    print(json.dumps(told), flush=True)
    return 0 if told["ok"] else 1


def _show(stack: Stack, broken: str) -> None:
    """What a person needs who wants to know why: the promise, and the last words of each process."""
    _say(f"BROKEN: {broken}")
    for child in stack.children.values():
        _say(f"--- {child.name}\n{child.last_words()}")


def _say(line: str) -> None:
    print(f"smoke: {line}", file=sys.stderr, flush=True)
