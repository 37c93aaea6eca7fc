"""A stage for the screens: a throw-away stack of real processes, a made-up town with many people, and live chips in a thread.

Everything that a test needs has its own worker, machine and officer, so that tests share one stack and do not meet. Run as
`python -m tests.pages.stage` it stays up until Ctrl-C and says where it is. Refuses to look into the database.
"""

import asyncio
import json
import signal
import sys
import threading
from collections.abc import Coroutine
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Self, TypeVar

import pyotp

from simulator.device import Device
from simulator.identity import ChipIdentity
from weld.cli.seed import seed
from weld.cli.stack import PROCESSES, Child, Stack
from weld.cli.story import Codes
from weld.cli.town import CREDIT_CODE, DIVISION, ISSUER, Person, Town, make_webhook_secret
from weld.cli.webhook_sink import WebhookSink
from weld.core.identity import identity_check
from weld.kit.clock import SystemClock

T = TypeVar("T")
MACHINES = 24
BUTTONS = frozenset({2, 3})  # these ask for somebody at the machine
SHORT = frozenset({20})  # the longest session here is a minute
WORKERS = 16
PASSWORD = "officers-of-the-stage"
# Each kind of administrator several times: a code opens once in 30 s.
ADMINISTRATORS = {
    "system": "system_administrator",
    "security": "security_administrator",
    "audit": "audit_administrator",
}
_NAMES = {"officer": "值班", "system": "系统", "security": "安全", "audit": "审计"}
_QUICK = {
    "shards": "4",
    "webhook_allow": "127.0.0.1/32",
    "stored_after_s": "1",
    "resend_after_s": "3",
    "api_codes_per_address": "10000",
    "api_code_wait_s": "0",
    "api_device_wait_s": "0",
    "api_step_up_lasts_s": "30",
    "installation_name": "焊码通测试台",
    "hotline": "0372-0000000",
}
# How long certificates still run, in days, by worker: the last three cannot start anything, or not for long.
_DAYS_LEFT = {13: 20, 14: -23, 15: 900}
EXPIRING, EXPIRED, WRONG_ITEM = 13, 14, 15


@dataclass(slots=True)
class Stage:
    """`with Stage() as stage: stage.url; stage.device(0); stage.run(stage.device(0).weld(150, 3))`."""

    town: Town = field(default_factory=lambda: Town(MACHINES, shards=4, buttons=BUTTONS))
    totp: dict[str, str] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    _exits: ExitStack = field(default_factory=ExitStack)
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _devices: dict[int, Device] = field(default_factory=dict)
    _stack: Stack | None = None
    _codes: Codes | None = None
    _sink: WebhookSink | None = None

    def __enter__(self) -> Self:
        try:
            self._begin()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._exits.close()

    def _begin(self) -> None:
        self._exits.callback(self._loop.close)
        thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        thread.start()
        self._exits.callback(thread.join, 20)
        self._exits.callback(self._loop.call_soon_threadsafe, self._loop.stop)
        secret = make_webhook_secret()
        self._sink = WebhookSink(secret)
        self.run(self._sink.__aenter__())
        self._exits.callback(self.run, self._sink.__aexit__(None, None, None))
        self._stack = self._exits.enter_context(Stack.make_throwaway("pages", **{**_QUICK, **self.settings}))
        administrators = [f"{kind}{n}" for kind in ADMINISTRATORS for n in range(8)]
        self.totp = {login: pyotp.random_base32() for login in [*(f"officer{n}" for n in range(24)), *administrators]}
        self._settle(self._sink.url, secret)
        for name in PROCESSES:
            self._stack.start(name, pipe=name == "api")
        for child in self._stack.children.values():
            child.wait_ready()
        self._codes = Codes(self.api)
        self._exits.callback(self._stop_devices)

    # -- addresses

    @property
    def stack(self) -> Stack:
        """The stack below."""
        if self._stack is None:
            raise RuntimeError("the stage is not open")
        return self._stack

    @property
    def api(self) -> Child:
        """The api's process."""
        return self.stack.children["api"]

    @property
    def url(self) -> str:
        """Where the screens are."""
        return self.api.address

    @property
    def hooks(self) -> WebhookSink:
        """What the enforcement team's system received."""
        if self._sink is None:
            raise RuntimeError("the stage is not open")
        return self._sink

    # -- people

    def person(self, number: int) -> Person:
        """Worker 0 to 15; the last ones have papers that do not do."""
        first = f"4105021990{1 + number % 12:02d}{1 + number:02d}{100 + number:03d}"
        return Person(
            f"样例{'甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳'[number]}", first + identity_check(first), f"199000001{number:02d}"
        )

    def code_for(self, request: str) -> str:
        """The one-time code of a request, as its owner reads it."""
        if self._codes is None:
            raise RuntimeError("the stage is not open")
        return self.run(self._codes.of(request))

    @property
    def last_code(self) -> str:
        """The newest one-time code: a person looks at the phone's last message."""
        lines = [line for line in (self._codes.lines if self._codes else []) if "one-time code" in line]
        return lines[-1].split()[2]

    def totp_now(self, login: str) -> str:
        """What the authenticator of this officer shows."""
        return self.totp_then(login, 0)

    def totp_then(self, login: str, later_s: int) -> str:
        """What it shows then: the codes before and after this one open as well, each once and in order."""
        return pyotp.TOTP(self.totp[login]).at(datetime.now(UTC) + timedelta(seconds=later_s))

    # -- machines

    def device(self, number: int) -> Device:
        """The chip of machine `number`, powered and heard."""
        if number not in self._devices:
            self._devices[number] = self.run(self._plug_in(number))
        return self._devices[number]

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something in the chips' world and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(120)

    def start(self, work: Coroutine[Any, Any, Any]) -> None:
        """Do something in the chips' world without waiting."""
        asyncio.run_coroutine_threadsafe(work, self._loop)

    def act(self, what: Any, *words: Any) -> None:
        """Call something that is no coroutine in the chips' world: `stage.act(device.press_button)`."""

        async def there() -> None:
            what(*words)

        self.run(there())

    async def _plug_in(self, number: int) -> Device:
        there = self.stack.broker(None)
        identity = ChipIdentity(self.town.chip(number), self.town.shard(number), self.stack.installation.pinned())
        device = Device(identity, there.host, there.port, SystemClock(), seed=number)
        await device.__aenter__()
        await device.wait_all_stored(30)
        return device

    def _stop_devices(self) -> None:
        for device in self._devices.values():
            self.run(device.stop())

    # -- the register

    def _settle(self, hook_url: str, hook_secret: str) -> None:
        file = self.stack.folder / "town.json"
        file.write_text(json.dumps(self._register(hook_url, hook_secret), ensure_ascii=False))
        vault, url = self.stack.installation.vault, self.stack.role_url("api")
        self.run(seed(file, url, vault, now=datetime.now(UTC), shards=self.town.shards, say=lambda _: None))
        file.unlink()

    def _register(self, hook_url: str, hook_secret: str) -> dict[str, Any]:
        entries = self.town.seed()
        for number, machine in enumerate(entries["machines"]):
            machine |= {"lat": 36.06 + 0.012 * (number % 6), "lon": 114.30 + 0.018 * (number // 6)}
            machine["longest_s"] = 60 if number in SHORT else None
        entries["workers"] += [self._worker(n) for n in range(WORKERS)]
        entries["certificates"] += [self._certificate(n) for n in range(WORKERS)]
        entries["endpoints"] = [{"name": "文峰区执法队", "url": hook_url, "secret": hook_secret, "division": DIVISION}]
        entries["officers"] = [
            {"login": login, "name": _name(login), "scope": "platform",
             "roles": _roles(login), "password": PASSWORD, "totp_secret": secret}
            for login, secret in self.totp.items()
        ]  # fmt: skip
        return entries

    def _worker(self, number: int) -> dict[str, Any]:
        person = self.person(number)
        words = {"name": person.name, "identity": person.identity, "phone": person.phone}
        return {**words, "division": DIVISION, "enterprise": CREDIT_CODE}

    def _certificate(self, number: int) -> dict[str, Any]:
        person, today = self.person(number), datetime.now(UTC).date()
        until = (today + timedelta(days=_DAYS_LEFT.get(number, 1000))).isoformat()
        item = "压力焊作业" if number == WRONG_ITEM else "熔化焊接与热切割作业"
        return {
            "kind": "operation", "identity": person.identity, "number": person.certificate_number,
            "category": "焊接与热切割作业", "item": item, "valid_from": (today - timedelta(days=900)).isoformat(),
            "valid_to": until, "review_due": until, "issuer": ISSUER,
        }  # fmt: skip


def _name(login: str) -> str:
    kind = login.rstrip("0123456789")
    return _NAMES[kind] + login.removeprefix(kind)


def _roles(login: str) -> list[str]:
    role = ADMINISTRATORS.get(login.rstrip("0123456789"))
    return ["division_regulator", "duty_officer", "installer"] if role is None else [role]


def main() -> None:
    """Stay up until Ctrl-C; welding, a bypass and a refusal keep the screens alive."""
    stop = threading.Event()
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    with Stage() as stage:
        for number in range(12):
            stage.device(number)
        stage.start(stage.device(8).bypass_weld(150, 12))
        logins = {login: {"password": PASSWORD, "totp_secret": secret} for login, secret in stage.totp.items()}
        people = [{"n": n, "phone": stage.person(n).phone} for n in range(WORKERS)]
        plates = [stage.town.plate(n) for n in range(MACHINES)]
        told = {"url": stage.url, "officers": logins, "workers": people, "plates": plates}
        print(json.dumps(told, ensure_ascii=False), flush=True)
        _hands(stage, stop)


def _hands(stage: Stage, stop: threading.Event) -> None:
    """Words on stdin are hands at machines: `press 2`, `weld 0 150 10`, `bypass 5 160 8`, `drop 0 60`, `code`."""

    def listen() -> None:
        for line in sys.stdin:
            verb, *words = line.split() or [""]
            numbers = [float(word) for word in words]
            if verb == "code":
                print(stage.last_code, flush=True)
                continue
            device = stage.device(int(numbers[0])) if numbers else None
            if device is None:
                continue
            if verb == "press":
                stage.act(device.press_button)
            elif verb == "weld":
                stage.start(device.weld(*numbers[1:3]))
            elif verb == "bypass":
                stage.start(device.bypass_weld(*numbers[1:3]))
            elif verb == "drop":
                stage.act(device.start_outage, numbers[1])

    threading.Thread(target=listen, daemon=True).start()
    stop.wait()


if __name__ == "__main__":
    main()
