"""A small house for pages that need an address of their own: the api with its built pages on loopback, called `localhost`.

Browsers bind passkeys to names only, and the stage's address is a number. Real PostgreSQL, real HTTP, no other processes.
"""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import uvicorn

from api.app import create_app
from api.screens import PAGES, listed
from tests.api.town import Town, founded
from tests.database import Database


@asynccontextmanager
async def house(database: Database, **words: Any) -> AsyncIterator[tuple[Town, str, str]]:
    """A town, the address that it calls its own, and another one with the same name and another port."""
    with socket.create_server(("127.0.0.1", 0)) as own, socket.create_server(("127.0.0.1", 0)) as other:
        url, elsewhere = (f"http://localhost:{one.getsockname()[1]}" for one in (own, other))
        async with founded(database, public_url=url, **words) as town:
            parts = replace(town.parts, pages=listed(PAGES))
            config = uvicorn.Config(create_app(parts), log_config=None, lifespan="off", ws="none")
            server = uvicorn.Server(config)
            server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]
            task = asyncio.create_task(server.serve([own, other]))
            try:
                yield replace(town, parts=parts), url, elsewhere
            finally:
                parts.board.close()
                server.should_exit = True
                await task
