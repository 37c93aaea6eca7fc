"""The board of hints: one listener for a process, any number of streams that wait for their own subjects.

A hint says "look again" and nothing else; a lost one costs a waiter its slow look. It also holds the feeds of the live map, one
a scope, as its streams share them, what the single sign-on said of itself, and who takes records away. Refuses to carry facts.
"""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from api.turns import Turns

if TYPE_CHECKING:
    from api.feed import Feed
    from api.identity_provider import IdentityProvider

# Who waits for this waits for every subject.
ANYTHING = "*"


class Watch:
    """One waiter. `follow` adds a subject that was not known at the start."""

    def __init__(self, waiters: dict[str, set["Watch"]]) -> None:
        self._waiters = waiters
        self._subjects: set[str] = set()
        self.hint = asyncio.Event()
        self.rang_at = 0.0

    def follow(self, subject: str) -> None:
        if subject not in self._subjects:
            self._subjects.add(subject)
            self._waiters.setdefault(subject, set()).add(self)

    def leave(self) -> None:
        for subject in self._subjects:
            waiters = self._waiters[subject]
            waiters.discard(self)
            if not waiters:
                del self._waiters[subject]
        self._subjects.clear()

    def ring(self) -> None:
        """Something may have changed. When it rang, by the monotonic clock, tells whether somebody has looked since."""
        self.rang_at = time.monotonic()
        self.hint.set()

    async def wait(self, seconds: float) -> None:
        """Until a hint came or the time is over."""
        try:
            async with asyncio.timeout(seconds):
                await self.hint.wait()
        except TimeoutError:
            return
        self.hint.clear()


class Board:
    """Who waits for which subject, and how many streams a person has open."""

    def __init__(self) -> None:
        # A password is dear to check and a sheet dear to draw: neither may hold up a welder.
        self.sign_ins = Turns(at_once=2, in_line=30, refusal="platform_unavailable")
        self.drawings = Turns(at_once=1, in_line=4)
        self._waiters: dict[str, set[Watch]] = {}
        self._open: dict[str, int] = {}
        # Whoever takes records away at this moment.
        self.exporting: set[str] = set()
        self.feeds: dict[str, Feed] = {}
        self.identity_provider: IdentityProvider | None = None
        self.closing = False

    def post(self, subject: str) -> None:
        """Something about this subject may have changed."""
        for name in (subject, ANYTHING):
            for watch in self._waiters.get(name, ()):
                watch.ring()

    def post_all(self) -> None:
        """Hints may have been lost: everybody looks again."""
        for watches in self._waiters.values():
            for watch in watches:
                watch.ring()

    def close(self) -> None:
        """The process ends: streams end too."""
        self.closing = True
        self.post_all()

    def streams(self, person: str) -> int:
        """How many streams this person has open."""
        return self._open.get(person, 0)

    @contextmanager
    def watch(self, person: str, subject: str) -> Iterator[Watch]:
        """Wait for a subject; counted to the person until the end."""
        watch = Watch(self._waiters)
        watch.follow(subject)
        self._open[person] = self.streams(person) + 1
        try:
            yield watch
        finally:
            watch.leave()
            self._open[person] -= 1
            if not self._open[person]:
                del self._open[person]

    @property
    def waiting(self) -> int:
        """How many streams are open in all."""
        return sum(self._open.values())
