"""`weldgate demo`: everything up on this machine, told step by step, and alive until Ctrl-C.

The demo has a database, secrets and a folder of its own, so that it never meets what `weldgate up` keeps. Refuses to run twice,
beside `weldgate up`, and where others than this machine could reach it.
"""

import asyncio
import json
import logging
import signal
import socket
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from types import FrameType
from typing import NoReturn

import psycopg
from pydantic import ValidationError

from weld.cli import homes
from weld.cli.demo import leftovers, premises, progress
from weld.cli.demo.accounts import Accounts, open_demo
from weld.cli.demo.city import City
from weld.cli.demo.codes import CodeBook
from weld.cli.demo.hooks import Receivers, receivers
from weld.cli.demo.live import go_on, living, wait_online
from weld.cli.demo.page import Page, served
from weld.cli.demo.premises import Wanted
from weld.cli.demo.settle import MARK_FILE, enter_receivers, settle, words_of
from weld.cli.demo.sheet import FIRST
from weld.cli.stack import PROCESSES, Stack
from weld.kit import log
from weld.kit.clock import SystemClock
from weld.kit.run import run as run_until_stopped
from weld.kit.wait import wait
from weld.store.migrate import SchemaMismatch

_LONGEST_WAIT_S = 30.0


def run(wanted: Wanted) -> int:
    """Until Ctrl-C; 0 after a clean stop, 1 with one line where it could not be started."""
    log.configure("demo", json=False)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGHUP, lambda *_: signal.raise_signal(signal.SIGTERM))
    try:
        return _start(wanted)
    except KeyboardInterrupt:
        progress.say("停止 / stopped")
    except ValidationError as error:
        progress.say("; ".join(f"WELDGATE_{str(one['loc'][0]).upper()}: {one['msg']}" for one in error.errors()))
    except SchemaMismatch as error:
        progress.say(f"{error}; or start afresh: make demo-reset")
    except (RuntimeError, ValueError, OSError, psycopg.OperationalError) as error:
        progress.say(str(error))
    return 1


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _start(wanted: Wanted) -> int:
    premises.let_open_files(wanted.machines)
    environment = premises.environment(wanted)
    settings = premises.settings(environment)
    accounts = open_demo(settings)
    with premises.alone(wanted.place), closing(premises.page_socket(wanted)) as listening:
        leftovers.end(wanted.place)
        premises.look_at_ports(wanted, settings.api_port)
        stack = Stack.demo(
            wanted.database,
            wanted.place,
            environment,
            afresh=not (wanted.place / MARK_FILE).exists(),
            free_ports=wanted.free_ports,
            programs={"api": "weld.cli.demo.api"},
            step=progress.step,
        )
        premises.start_logs_anew(wanted.place / "log")
        with stack:
            city = City(wanted.machines, datetime.now(UTC).date())
            return Demo(stack, city, accounts, wanted.speed, listening).run()


@dataclass(frozen=True)
class Demo:
    """A demo on a stack whose servers run."""

    stack: Stack
    city: City
    accounts: Accounts
    speed: float
    listening: socket.socket

    def run(self) -> int:
        """Registers, processes, then life until Ctrl-C; the exit code."""
        with progress.step("city"):
            asyncio.run(settle(self.stack, self.city, self.accounts, _in_short))
        with progress.step("processes"):
            for name in PROCESSES:
                leftovers.note(self.stack.folder, self.stack.start(name, pipe=name == "api"))
            for child in self.stack.children.values():
                child.wait_ready()
        code = run_until_stopped(self._live)
        progress.say("正在停止 / stopping")
        if code == 0:
            progress.say("数据保留；重新开始用 make demo-reset / the data stays; make demo-reset starts afresh")
        return code

    async def _live(self, stop: asyncio.Event) -> None:
        clock, api = SystemClock(), self.stack.children["api"]
        codes = CodeBook(clock)
        codes.listen(api)
        async with receivers(words_of(self.stack.folder).hooks) as hooks, AsyncExitStack() as exits:
            await enter_receivers(self.stack, hooks.urls)
            with progress.step("machines"):
                life = living(self.stack, api.address, self.city, self.speed, codes, clock, progress.tell)
                alive = await exits.enter_async_context(life)
                await wait_online(alive, clock, stop)
            page = Page(self.accounts, api.address, self.stack.installation.vault, alive, codes, hooks, clock)
            await exits.enter_async_context(served(page, self.listening))
            self._announce(api.address)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._watch(codes, hooks, stop))
                group.create_task(go_on(alive, clock, stop))

    async def _watch(self, codes: CodeBook, hooks: Receivers, stop: asyncio.Event) -> None:
        """A process that dies is started again, with growing waits."""
        waits: dict[str, float] = {}
        while not await wait(stop, 0.5):
            hooks.forget()
            for name, child in list(self.stack.children.items()):
                if child.process.poll() is not None:
                    wait_s = waits.get(name, 0.5)
                    waits[name] = min(wait_s * 2, _LONGEST_WAIT_S)
                    code = child.process.returncode
                    progress.say(f"{name} ended with code {code} (see {child.log}); starting it again in {wait_s:g} s")
                    if not await wait(stop, wait_s):
                        self._start_again(name, codes)

    def _start_again(self, name: str, codes: CodeBook) -> None:
        child = self.stack.start(name, pipe=name == "api")
        leftovers.note(self.stack.folder, child)
        if name == "api":
            codes.listen(child)

    def _announce(self, address: str) -> None:
        """Where everything is, on stdout; and for `--scenario`, in a file."""
        page, worker = f"http://127.0.0.1:{self.listening.getsockname()[1]}", self.accounts.workers[0]
        homes.write_private(self.stack.folder / premises.RUNNING, json.dumps({"page": page}))
        lines = (
            "",
            f"  手机页  phone page  {address}/",
            f"  值班台  console     {address}/console/",
            f"  示范页  demo page   {page}/   ({page}/?lang=en)",
            "",
            *(f"  {one.login:<8} {one.password:<19} {one.zh} / {one.en}" for one in self.accounts.officers),
            f"  {worker.worker.phone:<28} {worker.zh} / {worker.en}",
            "",
            *(f"  {number}. {zh}\n     {en}" for number, (zh, en) in enumerate(FIRST, start=1)),
            "",
            "  Ctrl-C 停止，数据保留 / Ctrl-C stops, the data stays",
            "",
        )
        print("\n".join(lines), flush=True)


def _in_short(line: str) -> None:
    """How far the registers are, now and then: `5000 of 21663 entered`."""
    words = line.split()
    if words[-1] == "entered" and int(words[0]) % 5000 == 0:
        progress.within(line)
