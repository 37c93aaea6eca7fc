"""The product as a contender: the real `weldgate ingest` process on the real broker and database. Refuses shortcuts."""

import time
import urllib.request

from bench.ground import Ground
from weld.cli.stack import Child

_STORED = 'weldgate_ingest_replies_total{kind="stored"}'
_NEW = 'weldgate_ingest_messages_total{fate="new"}'


class Product:
    """The running ingest workers of a ground, as `weldgate ingest --workers N` has them."""

    def __init__(self, ground: Ground, workers: int = 1) -> None:
        self._ground = ground
        self.children: list[Child] = [ground.start("ingest", number=number + 1) for number in range(workers)]
        for child in self.children:
            child.wait_ready(600)  # a million machines are read first
        self._await_shares()

    @property
    def child(self) -> Child:
        """The only one, where there is one."""
        return self.children[0]

    def done(self) -> int:
        """New messages committed since its start."""
        return self.counted(_NEW)

    def confirmations(self) -> int:
        """Signed `stored` that it has said to chips."""
        return self.counted(_STORED)

    def counted(self, metric: str) -> int:
        """A counter of the metrics doors of all; 0 while it was never raised."""
        return sum(_counted(child, metric) for child in self.children)

    def stop(self) -> None:
        """Let it finish and leave."""
        for child in self.children:
            child.stop()

    @property
    def processes(self) -> dict[str, int]:
        """Whose CPU counts: ingest, the broker, the database."""
        postgres, mosquitto = self._ground.database_pid, self._ground.mosquitto.pid
        assert mosquitto is not None  # noqa: S101  (it runs as long as the ground does)
        ingest = {f"ingest_{n}" if n > 1 else "ingest": one.process.pid for n, one in enumerate(self.children, 1)}
        return {**ingest, "mosquitto": mosquitto, "postgres": postgres}

    def _await_shares(self) -> None:
        """Until every worker has its share of the groups: what is measured is work, and not its distribution."""
        until_s = time.monotonic() + 60
        while min(_counted(child, "weldgate_ingest_groups") for child in self.children) == 0 or self._moving():
            if time.monotonic() > until_s:
                raise RuntimeError("the workers did not share the groups within 60 s")
            time.sleep(0.2)

    def _moving(self) -> bool:
        held = [_counted(child, "weldgate_ingest_groups") for child in self.children]
        return max(held) - min(held) > 1


def _counted(child: Child, metric: str) -> int:
    with urllib.request.urlopen(f"{child.door}/metrics", timeout=30) as answer:  # noqa: S310  (our own door)
        lines = answer.read().decode().splitlines()
    return next((int(float(line.rpartition(" ")[2])) for line in lines if line.startswith(f"{metric} ")), 0)
