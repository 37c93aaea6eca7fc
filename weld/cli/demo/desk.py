"""Somebody at the enforcement teams' desks: what has waited longest is signed for, and later closed, so that the list never
grows without end.

Leaves the newest alerts to whoever watches, and never touches those of the machines to try. Refuses nothing: it only does what
an officer's own system may.
"""

import httpx

from weld.cli.demo.people import AWAY
from weld.kit.clock import Clock

_EVERY_S = 45.0
_LEFT_OPEN = 12
_AT_ONCE = 3


class Desk:
    """`run()` is for as long as the city lives."""

    def __init__(self, http: httpx.AsyncClient, key: str, spared: frozenset[str], clock: Clock) -> None:
        self._http = http
        self._headers = {"Authorization": f"Bearer {key}"}
        self._spared = spared
        self._clock = clock

    async def run(self) -> None:
        """A round now and then, until cancelled."""
        while True:
            await self._clock.sleep(_EVERY_S)
            try:
                await self._round()
            except AWAY:
                continue

    async def _round(self) -> None:
        answer = await self._http.get("/api/v1/alerts", params={"live": "true", "limit": "200"}, headers=self._headers)
        found = [one for one in answer.raise_for_status().json()["alerts"] if one["plate"] not in self._spared]
        found.sort(key=lambda one: one["raised_at"])
        for alert in found[:-_LEFT_OPEN][:_AT_ONCE]:
            await self._go_on_with(alert["id"], alert["state"])

    async def _go_on_with(self, alert: str, state: str) -> None:
        words = {"outcome": "confirmed", "note": "示范：已到现场核实处置 / demo: checked on site and settled"}
        act, body = ("acknowledge", None) if state == "open" else ("close", words)
        answer = await self._http.post(f"/api/v1/alerts/{alert}/{act}", json=body, headers=self._headers)
        answer.raise_for_status()
