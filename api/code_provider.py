"""One-time codes leave here: the port that carries a code to a phone, and the console as its simplest form.

The console names the request and never the phone, so that its output holds nothing personal. Refuses to make codes.
"""

import sys
from typing import Protocol
from uuid import UUID


class CodeProvider(Protocol):
    """Carries a code to a phone; an error here is the provider's, the worker asks again."""

    async def send(self, phone: str, code: str, request: UUID) -> None: ...


class ConsoleProvider:
    """Prints the code on stdout, for smoke, tests and the demo."""

    async def send(self, phone: str, code: str, request: UUID) -> None:  # noqa: ARG002 - the phone is not to be seen
        sys.stdout.write(f"one-time code {code} for request {request}\n")
        sys.stdout.flush()
