"""The pipeline that one would write with the usual client: paho-mqtt, manual acknowledgement, decode, COPY, commit, acknowledge.

`python -m bench.paho_pipeline PORT COUNTER-FILE`, passwords by environment. The same decoder and the same COPY code as the
product's, batches of all that waits; none of the rest: no sessions, no rules, no states, no leases, no duplicates. Refuses to be
better than what it stands for.
"""

import asyncio
import os
import queue
import sys
import threading
from pathlib import Path

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from bench.counter import Counter
from bench.domain_path import to_row
from ingest import mapping
from weld.kit.clock import SystemClock
from weld.store import evidence
from weld.store.connect import connect

PASSWORD = "BENCH_PASSWORD"  # noqa: S105 - a variable's name
DATABASE = "WELDGATE_PROCESS_DATABASE_URL"
MOST = 5000
_OTHER_CHIPS = 100_000_000  # its rows stand beside the product's without meeting them

Inbox = queue.SimpleQueue[paho.MQTTMessage]


def listen(port: int, inbox: Inbox) -> paho.Client:
    """A client whose own thread reads and hands over."""
    client = paho.Client(CallbackAPIVersion.VERSION2, "bench-paho", protocol=paho.MQTTv311, manual_ack=True)
    client.username_pw_set("ingest", os.environ[PASSWORD])
    client.on_message = lambda _client, _user, message: inbox.put(message)
    subscribed = threading.Event()
    client.on_subscribe = lambda *_: subscribed.set()
    client.connect("127.0.0.1", port)
    client.subscribe("wg/1/+/+/up", qos=1)
    client.loop_start()
    if not subscribed.wait(10):
        raise TimeoutError("the broker did not answer to SUBSCRIBE")
    return client


async def store(client: paho.Client, inbox: Inbox, counter: Counter) -> None:
    """Batch after batch, for ever."""
    clock, conn = SystemClock(), await connect(os.environ[DATABASE], "bench paho")
    while True:
        taken = [await asyncio.to_thread(inbox.get)]
        while len(taken) < MOST and not inbox.empty():
            taken.append(inbox.get_nowait())
        now_ms = mapping.ms_of(clock.now())
        rows = [to_row(one.topic, bytes(one.payload), _OTHER_CHIPS + int(one.topic[12:20]), now_ms) for one in taken]
        async with conn.transaction():
            await evidence.put_telemetry(conn, [row for telemetry, row in rows if telemetry])
            await evidence.put_events(conn, [row for telemetry, row in rows if not telemetry])
        for one in taken:
            client.ack(one.mid, one.qos)
        counter.value += len(taken)


def main() -> None:
    """The command line."""
    inbox: Inbox = queue.SimpleQueue()
    client = listen(int(sys.argv[1]), inbox)
    print("subscribed", flush=True)
    asyncio.run(store(client, inbox, Counter(Path(sys.argv[2]))))


if __name__ == "__main__":
    main()
