"""The demo's own page: the hub for a newcomer. Addresses, accounts, one-time codes, machines to try, stories, webhooks.

Shows what must never be shown elsewhere, so it is served on this machine alone: to requests that name it (no other site's
page can read it through a name of its own), and it acts only on what its own script sends. Refuses everything else.
"""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
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
from weld.cli.demo.sheet import Language, Sheet
from weld.cli.demo.stories import PLOTS, NoMachineError
from weld.cli.demo.view import state_of
from weld.cli.stack import CLONE
from weld.core import plate as plates
from weld.kit.clock import Clock
from weld.store.vault import Vault

MARK = "X-Weldgate-Demo"  # no page of another site can send it without asking first, and nobody answers
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

    def app(self) -> Starlette:
        """Its routes."""
        hands = Hands(self.alive.city, self.alive.devices)
        tries = {machine.plate for machine, _ in hands.tries}

        async def sheet(request: Request) -> Response:
            page = Sheet(_language(request), self.public_url, self.accounts, self.alive.city)
            return HTMLResponse(page.html(), headers=_HEADERS)

        async def state(request: Request) -> Response:
            shown = state_of(
                self.accounts, self.alive, self.codes, self.receivers, self.clock.now(), _language(request)
            )
            return JSONResponse(shown, headers=_HEADERS)

        async def code(request: Request) -> Response:
            plate = request.path_params["plate"]
            if plate not in tries:
                return _no(404, "没有这台试用机", "there is no such machine to try")
            svg = _drawn(plates.url(self.public_url, plate, mark_of(self.vault, plate)))
            return Response(svg, media_type="image/svg+xml", headers=_HEADERS)

        async def act(request: Request) -> Response:
            plate, name = request.path_params["plate"], request.path_params["act"]
            if MARK not in request.headers or not hands.act(plate, name):
                return _no(404, "没有这台试用机或这个动作", "there is no such machine to try, or no such act")
            return JSONResponse({"zh": f"尾号 {plate[-4:]}：{ACTS[name].zh}", "en": f"{plate[-4:]}: {ACTS[name].en}"})

        async def play(request: Request) -> Response:
            return self._play(request)

        routes = [
            Route("/", sheet),
            Route("/state", state),
            Route("/favicon.ico", _nothing),
            Route("/machines/{plate}.svg", code),
            Route("/machines/{plate}/{act}", act, methods=["POST"]),
            Route("/stories/{name}", play, methods=["POST"]),
            *(_file(name, path) for name, path in _files().items()),
        ]
        return Starlette(
            routes=routes, middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"])]
        )

    def _play(self, request: Request) -> Response:
        name = request.path_params["name"]
        if MARK not in request.headers or name not in PLOTS:
            return _no(404, "没有这个故事", f"there is no such story; there are {', '.join(PLOTS)}")
        try:
            told = self.alive.stories.play(name)
        except NoMachineError as error:
            return _no(409, f"现在演不了：{error}", str(error))
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
