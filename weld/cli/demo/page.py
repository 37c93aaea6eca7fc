"""The demo's own page: the hub for a newcomer. Addresses, accounts, one-time codes, machines to try, stories, webhooks.

Shows what must never be shown elsewhere, so it is served on this machine alone: to requests that name it (no other site's
page can read it through a name of its own), and it acts only on what its own script sends. Refuses everything else.
"""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from api.paper.code import QUIET, make, mark_of
from weld.cli.demo.accounts import Accounts
from weld.cli.demo.codes import CodeBook
from weld.cli.demo.hands import ACTS, Hands
from weld.cli.demo.hooks import Receivers
from weld.cli.demo.live import Living
from weld.cli.demo.premises import MARK
from weld.cli.demo.sheet import Language, Sheet
from weld.cli.demo.stories import PLOTS, NotNowError
from weld.cli.demo.view import state_of
from weld.cli.stack import CLONE
from weld.core import plate as plates
from weld.kit.clock import Clock
from weld.store.vault import Vault

_HERE = Path(__file__).parent
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}  # fmt: skip


@dataclass(frozen=True)
class Page:
    """Everything that the page shows and moves."""

    accounts: Accounts
    public_url: str
    vault: Vault
    alive: Living
    codes: CodeBook
    receivers: Receivers
    clock: Clock

    @cached_property
    def hands(self) -> Hands:
        """Somebody at each of the machines to try."""
        return Hands(self.alive.city, self.alive.devices)

    @cached_property
    def links(self) -> dict[str, str]:
        """What the code on the plate of each machine to try says."""
        tries = [machine.plate for machine, _ in self.hands.tries]
        return {plate: plates.url(self.public_url, plate, mark_of(self.vault, plate)) for plate in tries}

    def app(self) -> Starlette:
        """Its routes."""
        routes = [
            Route("/", self._sheet),
            Route("/state", self._state),
            Route("/favicon.ico", _nothing),
            Route("/machines/{plate}.svg", self._code),
            Route("/machines/{plate}/{act}", self._act, methods=["POST"]),
            Route("/stories/{name}", self._play, methods=["POST"]),
            *(_file(name, path) for name, path in _files().items()),
        ]
        only_here = Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"])
        return Starlette(routes=routes, middleware=[only_here])

    async def _sheet(self, request: Request) -> Response:
        sheet = Sheet(_language(request), self.public_url, self.accounts, self.alive.city, self.links)
        return HTMLResponse(sheet.html(), headers=_HEADERS)

    async def _state(self, request: Request) -> Response:
        language, now = _language(request), self.clock.now()
        shown = state_of(self.accounts, self.alive, self.codes, self.receivers, now, language)
        return JSONResponse(shown, headers=_HEADERS)

    async def _code(self, request: Request) -> Response:
        link = self.links.get(request.path_params["plate"])
        if link is None:
            return _no(404, "没有这台试用机", "there is no such machine to try")
        return Response(_drawn(link), media_type="image/svg+xml", headers=_HEADERS)

    async def _act(self, request: Request) -> Response:
        plate, name = request.path_params["plate"], request.path_params["act"]
        if MARK not in request.headers or not self.hands.act(plate, name):
            return _no(404, "没有这台试用机或这个动作", "there is no such machine to try, or no such act")
        return JSONResponse({"zh": f"尾号 {plate[-4:]}：{ACTS[name].zh}", "en": f"{plate[-4:]}: {ACTS[name].en}"})

    async def _play(self, request: Request) -> Response:
        name = request.path_params["name"]
        if MARK not in request.headers or name not in PLOTS:
            return _no(404, "没有这个故事", f"there is no such story; there are {', '.join(PLOTS)}")
        try:
            told = self.alive.stories.play(name)
        except NotNowError as error:
            return _no(409, error.zh, error.en)
        plot, plate = PLOTS[name], told.machine.plate
        look = f"{self.public_url}/console/machines/{plate}"
        words = {"zh": f"尾号 {told.machine.tail}：{plot.zh}", "en": f"{told.machine.tail}: {plot.en}"}
        return JSONResponse({**words, "plate": plate, "alert": plot.alert, "look": look})


async def _nothing(_request: Request) -> Response:
    return Response(status_code=204, headers=_HEADERS)


def _no(status: int, zh: str, en: str) -> Response:
    return JSONResponse({"zh": zh, "en": en}, status, headers=_HEADERS)


def _language(request: Request) -> Language:
    return "en" if request.query_params.get("lang") == "en" else "zh"


def _files() -> dict[str, Path]:
    """The page's own files, and the tokens of all screens where this clone has them."""
    return {
        "page.css": _HERE / "page.css",
        "page.js": _HERE / "page.js",
        "tokens.css": CLONE / "web" / "shared" / "tokens.css",
    }


def _file(name: str, path: Path) -> Route:
    async def serve(_request: Request) -> Response:
        return FileResponse(path, headers=_HEADERS) if path.exists() else Response("", media_type="text/css")

    return Route(f"/{name}", serve)


def _drawn(text: str) -> str:
    code = make(text)
    side = len(code.modules) + 2 * QUIET
    dark = "".join(f"M{x + QUIET} {y + QUIET}h{length}v1h-{length}z" for y, x, length in code.bars)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}" shape-rendering="crispEdges">'
        f'<rect width="{side}" height="{side}" fill="white"/><path d="{dark}" fill="black"/></svg>'
    )


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers: weld.kit.run has them."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def served(page: Page, listening: socket.socket) -> AsyncIterator[None]:
    """The page on a socket that listens already, until the end."""
    config = uvicorn.Config(
        page.app(), log_config=None, access_log=False, server_header=False, lifespan="off", ws="none",
        timeout_graceful_shutdown=1,
    )  # fmt: skip
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield
    finally:
        server.should_exit = True
        await serving
