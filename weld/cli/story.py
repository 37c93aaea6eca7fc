"""A throw-away stack with a made-up town in it, and the people who act in its stories: phones, officers, a webhook receiver.

Used by smoke, replay and tests. Speaks through public doors only: HTTP, MQTT and webhooks. Refuses to look into the database.
"""

import asyncio
import json
import re
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

import aiomqtt
import httpx

from weld.cli.seed import seed
from weld.cli.stack import Child, Stack
from weld.cli.town import EXPIRED, LICENSED, Person, Town, personal

_CODE = re.compile(r"one-time code (\d{6}) for request ([0-9a-f-]{36})")


class CodeSource(Protocol):
    """Where a phone's owner reads his one-time code."""

    async def of(self, request: str) -> str:
        """The code of a request."""


class Codes:
    """What the console provider prints, read as a person at the console would."""

    def __init__(self, api: Child) -> None:
        self.lines: list[str] = []
        self._codes: dict[str, str] = {}
        threading.Thread(target=self._read, args=(api,), daemon=True).start()

    def _read(self, api: Child) -> None:
        for line in api.process.stdout or ():
            self.lines.append(line)
            if (found := _CODE.search(line)) is not None:
                self._codes[found[2]] = found[1]

    async def of(self, request: str) -> str:
        """The code that was printed for a request; TimeoutError after 10 s."""
        async with asyncio.timeout(10):
            while request not in self._codes:
                await asyncio.sleep(0.01)
        return self._codes[request]


@dataclass(slots=True)
class Overheard:
    """Everything that crossed the broker and every address that was asked for: nobody's number may be in it."""

    texts: list[str] = field(default_factory=list)

    async def listen(self, stack: Stack) -> None:
        """Topics and payloads, until cancelled."""
        there = stack.broker("ingest")
        async with aiomqtt.Client(there.host, there.port, username=there.username, password=there.password) as client:
            await client.subscribe("wg/1/+/+/up")
            await client.subscribe("wg/1/+/+/state")
            async for message in client.messages:
                payload = message.payload if isinstance(message.payload, bytes) else b""
                self.texts.append(f"{message.topic} {payload.decode(errors='replace')}")

    async def request(self, request: httpx.Request) -> None:
        """An httpx hook: the address of each request."""
        self.texts.append(str(request.url))

    def leaks(self, *more: str) -> list[str]:
        """Whose words were heard where they must not be: by kind only, for this is printed."""
        heard = "\n".join((*self.texts, *more))
        kinds = ("identity number", "phone number", "certificate number", "name")
        return [
            kind
            for person in (LICENSED, EXPIRED)
            for kind, word in zip(kinds, personal(person), strict=True)
            if word in heard
        ]


@dataclass(slots=True)
class Phone:
    """A worker's phone: signs in, scans, waits for the contact, ends the session."""

    http: httpx.AsyncClient
    codes: CodeSource
    token: str = ""
    devices: dict[str, str] = field(default_factory=dict)

    async def sign_in(self, person: Person) -> None:
        """By phone number and one-time code."""
        asked = await self._post("/api/v1/sign-in/codes", {"phone": person.phone})
        request = asked.json()["request"]
        known = self.devices.get(person.phone)
        shown = {"device": known} if known else {}
        code = await self.codes.of(request)
        entered = (await self._post("/api/v1/sign-in", {"request": request, "code": code, **shown})).json()
        self.token, self.devices[person.phone] = entered["token"], entered["device"]

    async def scan(self, plate: str, key: str) -> httpx.Response:
        """Ask for the machine; the answer as it is, granted or refused."""
        headers = {**self._headers(), "Idempotency-Key": key}
        return await self.http.post("/api/v1/unlocks", json={"plate": plate}, headers=headers)

    async def wait_for(self, unlock: str, *states: str, seconds: float = 20) -> dict[str, Any]:
        """Follow the unlock by its stream until it has one of these states."""
        url = f"/api/v1/unlocks/{unlock}/events"
        async with asyncio.timeout(seconds), self.http.stream("GET", url, headers=self._headers()) as stream:
            stream.raise_for_status()
            async for line in stream.aiter_lines():
                if line.startswith("data:"):
                    told: dict[str, Any] = json.loads(line[5:])
                    if told.get("state") in states:
                        return told
        raise RuntimeError(f"the stream ended before {' or '.join(states)}")

    async def end(self, session: str) -> None:
        """Lock the machine again."""
        answer = await self.http.post(f"/api/v1/sessions/{session}/end", headers=self._headers())
        answer.raise_for_status()

    async def session(self, session: str) -> dict[str, Any]:
        """The record of a session."""
        answer = await self.http.get(f"/api/v1/sessions/{session}", headers=self._headers())
        answer.raise_for_status()
        told: dict[str, Any] = answer.json()
        return told

    async def _post(self, path: str, body: dict[str, str]) -> httpx.Response:
        answer = await self.http.post(path, json=body)
        answer.raise_for_status()
        return answer

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


@dataclass(slots=True)
class Officer:
    """An officer's system: reads with its bearer key."""

    http: httpx.AsyncClient
    key: str

    async def get(self, path: str, **query: str) -> dict[str, Any]:
        """One answer."""
        answer = await self.http.get(f"/api/v1{path}", params=query, headers={"Authorization": f"Bearer {self.key}"})
        answer.raise_for_status()
        told: dict[str, Any] = answer.json()
        return told

    async def alerts(self, plate: str) -> list[dict[str, Any]]:
        """The alerts of one machine, newest first."""
        told = await self.get("/alerts", plate=plate)
        found: list[dict[str, Any]] = told["alerts"]
        return found


@asynccontextmanager
async def client(address: str, overheard: Overheard) -> AsyncIterator[httpx.AsyncClient]:
    """An HTTP client whose addresses are overheard."""
    hooks: dict[str, list[Any]] = {"request": [overheard.request]}
    async with httpx.AsyncClient(base_url=address, event_hooks=hooks, timeout=20) as http:
        yield http


async def settle(stack: Stack, town: Town) -> None:
    """Seed the town into the stack, through the functions that the API uses."""
    file = stack.folder / "town.json"
    await asyncio.to_thread(file.write_text, json.dumps(town.seed(), ensure_ascii=False))
    vault = stack.installation.vault
    await seed(file, stack.role_url("api"), vault, now=datetime.now(UTC), shards=town.shards, say=lambda _: None)
    file.unlink()
