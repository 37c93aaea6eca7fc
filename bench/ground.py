"""Where benchmarks run: a throw-away stack whose broker also lets a publisher speak for every chip.

Broker and database are configured as the product's; the one thing more is the broker's user `bench`, and commit timestamps where
a benchmark asks for them. Refuses servers that are not its own: it kills them.
"""

import os
import secrets

import psycopg

from bench.publisher import USER
from gateway import broker
from weld.cli import homes
from weld.cli.mosquitto import Mosquitto
from weld.cli.stack import CLONE, Stack
from weld.store import load, setup

_ACL = f"\nuser {USER}\ntopic write wg/1/+/+/up\n"


class OpenBroker(Mosquitto):
    """The product's broker, with one user more who may publish for all chips."""

    def _write_files(self, user: str | None) -> None:
        super()._write_files(user)
        homes.write_private(self._folder / broker.PLATFORM_ACL_FILE, broker.platform_acl() + _ACL, user)


# For a rival's only session: the same sum for the queue as all of the product's sessions have together. mosquitto 2.0.11 counts
# what was ever queued for a connected 3.1.1 client, not what is (docs/benchmarks.md), so the count must not end it.
ONE_SESSION = broker.Limits(sessions=1, max_queued_messages=100_000_000)


def new_broker(passwords: dict[str, str], limits: broker.Limits | None = None) -> OpenBroker:
    """A broker in a folder that goes away with it."""
    user = homes.server_user()
    parent = homes.make_folder(homes.home_of(CLONE) / "throwaway", user)
    folder = parent / f"broker-{os.getpid()}-{secrets.token_hex(3)}"
    passwords = passwords | {USER: secrets.token_urlsafe(24)}
    return OpenBroker(folder, passwords=passwords, limits=limits, remove=True)


class Ground(Stack):
    """A throw-away stack for benchmarks: `with Ground.make("bench", groups=8) as ground`."""

    @classmethod
    def make(cls, name: str, **settings: object) -> "Ground":
        """`settings` go to the processes, as WELDGATE_... without the prefix."""
        for server in ("WELDGATE_DATABASE_URL", "WELDGATE_MQTT_URL"):
            if os.environ.get(server):
                raise RuntimeError(f"{server} is set: a benchmark runs on servers of its own, and kills them")
        made = cls.make_throwaway(name, **{key: str(value) for key, value in settings.items()})
        assert isinstance(made, Ground)  # noqa: S101  (make_throwaway makes what it is called on)
        return made

    def _start_broker(self) -> None:
        self._mosquitto = self._exits.enter_context(new_broker(dict(self.installation.broker)))

    def track_commits(self) -> None:
        """From now on the database knows when each row was committed; it is restarted for that."""
        with psycopg.connect(self.server_url, autocommit=True) as conn:
            load.track_commits(conn)
        self.postgres.kill()
        self.postgres.start()

    @property
    def database_pid(self) -> int:
        """The database server's first process."""
        pid = self.postgres.pid
        assert pid is not None  # noqa: S101  (it runs as long as the ground does)
        return pid

    @property
    def admin_url(self) -> str:
        """Its database, as the superuser of the throw-away server."""
        return setup.database_url(self.server_url, self.database)
