"""The city's workers with their phones: they sign in once, scan, end their sessions; through the same door as everybody.

Refuses to know more than a phone does: a refusal is a list of reasons, and nobody looks into the database.
"""

from uuid import uuid4

import httpx

from weld.cli.demo.city import Worker
from weld.cli.story import CodeSource, Phone
from weld.cli.town import Person
from weld.kit.clock import Clock

# What a worker lives with: the platform or the network is away for a moment. He tries again later.
AWAY = (httpx.HTTPError, TimeoutError)
_ASK_AGAIN_S = 1.0


class People:
    """`reasons = await people.scan(worker, plate)`; an empty list: the machine will click."""

    def __init__(self, http: httpx.AsyncClient, codes: CodeSource, clock: Clock) -> None:
        self._http = http
        self._codes = codes
        self._clock = clock
        self._phones: dict[str, Phone] = {}

    async def scan(self, worker: Worker, plate: str) -> list[str]:
        """Ask for a machine; the codes of all reasons against it."""
        answer = await (await self._phone(worker)).scan(plate, str(uuid4()))
        if answer.status_code == httpx.codes.UNAUTHORIZED:  # the night has passed
            del self._phones[worker.phone]
            answer = await (await self._phone(worker)).scan(plate, str(uuid4()))
        if answer.is_success:
            return []
        return [str(reason["code"]) for reason in answer.json()["reasons"]]

    async def end(self, worker: Worker, session: str) -> None:
        """Lock the machine again. The platform may not have heard of the session yet: then a moment later."""
        phone = await self._phone(worker)
        for _ in range(4):
            try:
                await phone.end(session)
                break
            except httpx.HTTPStatusError as error:
                if error.response.status_code != httpx.codes.NOT_FOUND:
                    raise
            await self._clock.sleep(_ASK_AGAIN_S)

    async def _phone(self, worker: Worker) -> Phone:
        phone = self._phones.get(worker.phone)
        if phone is None:
            phone = Phone(self._http, self._codes)
            await phone.sign_in(Person(worker.name, worker.identity, worker.phone))
            self._phones[worker.phone] = phone
        return phone
