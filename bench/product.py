"""The product as a contender: the real `weldgate ingest` process on the real broker and database. Refuses shortcuts."""

import urllib.request

from bench.ground import Ground
from weld.cli.stack import Child

_STORED = 'weldgate_ingest_replies_total{kind="stored"}'
_NEW = 'weldgate_ingest_messages_total{fate="new"}'


class Product:
    """One running ingest worker of a ground."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self.child: Child = ground.start("ingest")
        self.child.wait_ready(600)  # a million machines are read first

    def done(self) -> int:
        """New messages committed since its start."""
        return self.counted(_NEW)

    def confirmations(self) -> int:
        """Signed `stored` that it has said to chips."""
        return self.counted(_STORED)

    def counted(self, metric: str) -> int:
        """A counter of its metrics door; 0 while it was never raised."""
        with urllib.request.urlopen(f"{self.child.door}/metrics", timeout=30) as answer:  # noqa: S310  (our own door)
            lines = answer.read().decode().splitlines()
        return next((int(float(line.rpartition(" ")[2])) for line in lines if line.startswith(f"{metric} ")), 0)

    def stop(self) -> None:
        """Let it finish and leave."""
        self.child.stop()

    @property
    def processes(self) -> dict[str, int]:
        """Whose CPU counts: ingest, the broker, the database."""
        postgres, mosquitto = self._ground.postgres.pid, self._ground.mosquitto.pid
        assert postgres is not None  # noqa: S101  (they run as long as the ground does)
        assert mosquitto is not None  # noqa: S101
        return {"ingest": self.child.process.pid, "mosquitto": mosquitto, "postgres": postgres}
