"""What must never stand in a log, and what must."""

import asyncio
import json
import logging
import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import structlog
from prometheus_client import REGISTRY

from weld.kit.log import REFUSED, configure

IDENTITY = "11010519491231002X"
PHONE = "13812345678"

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def own_logging() -> Iterator[None]:
    """Give the test run its own logging back."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def _lines(capsys: Capture) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def _count() -> float:
    return REGISTRY.get_sample_value("weldgate_log_refused_total") or 0.0


def test_an_event_is_one_json_object_on_stderr(capsys: Capture) -> None:
    configure("ingest", json=True)
    structlog.contextvars.bind_contextvars(batch=7)
    structlog.get_logger().info("batch_written", rows=3)
    (line,) = _lines(capsys)
    assert line.pop("at")
    assert line.pop("pid") == os.getpid()
    assert line == {"event": "batch_written", "level": "info", "process": "ingest", "batch": 7, "rows": 3}


async def test_an_id_is_bound_once_and_tasks_carry_it_on(capsys: Capture) -> None:
    configure("ingest", json=True)
    structlog.contextvars.bind_contextvars(worker="w1")

    async def shard(name: str) -> None:
        structlog.contextvars.bind_contextvars(shard=name)
        await asyncio.sleep(0)
        structlog.get_logger().info("connected")

    await asyncio.gather(asyncio.create_task(shard("0a")), asyncio.create_task(shard("0b")))
    structlog.get_logger().info("idle")
    assert [(line["worker"], line.get("shard")) for line in _lines(capsys)] == [
        ("w1", "0a"),
        ("w1", "0b"),
        ("w1", None),
    ]


def test_text_for_people_holds_the_same(capsys: Capture) -> None:
    configure("ingest", json=False)
    structlog.get_logger().info("batch_written", rows=3)
    said = capsys.readouterr()
    assert "batch_written" in said.err
    assert "rows=3" in said.err
    assert not said.out


@pytest.mark.parametrize(
    "number",
    [
        IDENTITY,
        "110105194912310021",
        f"T{IDENTITY}",
        PHONE,
        f"+86{PHONE}",
        f"worker {PHONE} signed in",
        f"/workers?phone={PHONE}&x=1",
        "１３８１２３４５６７８",
        f'{{"id":"{IDENTITY}"}}',
    ],
)
def test_a_personal_number_is_refused_and_counted(number: str, capsys: Capture) -> None:
    configure("api", json=True)
    before = _count()
    structlog.get_logger().info("signed_in", who=number, nested={"list": [{"deep": number}]}, set={number})
    (line,) = _lines(capsys)
    assert line["who"] == REFUSED
    assert line["nested"] == {"list": [{"deep": REFUSED}]}
    assert line["set"] == [REFUSED]
    assert _count() == before + 3


@pytest.mark.parametrize(
    "harmless",
    [
        "1795327200123",  # ms since 1970
        "1795327200123456789",  # ns
        "410105A123456789X",
        "410105A1234567890",
        "0196f3a1-1234-7123-8123-138123456780",
        "01961381-2345-7678-9123-13812345678a",
        "CHIP00000001",
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c1381234567",
        "2026-11-22T04:27:00.123456+00:00",
        "12812345678",
        "1381234567",
    ],
)
def test_ids_and_times_survive(harmless: str, capsys: Capture) -> None:
    configure("api", json=True)
    structlog.get_logger().info("seen", what=harmless)
    assert _lines(capsys)[0]["what"] == harmless


def test_no_random_id_is_taken_for_a_person(capsys: Capture) -> None:
    configure("api", json=True)
    before = _count()
    ids = [str(uuid.UUID(int=0x13812345678 * step % 2**128)) for step in range(1, 2000)]
    structlog.get_logger().info("seen", ids=ids)
    assert _lines(capsys)[0]["ids"] == ids
    assert _count() == before


@dataclass
class _Worker:
    phone: str


@pytest.mark.parametrize("value", [_Worker(PHONE), PHONE.encode(), ValueError(PHONE), {PHONE: 1}, (PHONE,)])
def test_no_kind_of_value_carries_it_through(value: object, capsys: Capture) -> None:
    configure("api", json=True)
    structlog.get_logger().info("seen", value=value)
    assert PHONE not in capsys.readouterr().err


def _failure() -> Exception:
    try:
        int(f"no such worker: {PHONE}")
    except ValueError as error:
        return error
    raise AssertionError


@pytest.mark.parametrize("as_json", [True, False])
def test_the_text_of_an_exception_loses_only_the_line_with_the_number(as_json: bool, capsys: Capture) -> None:
    configure("api", json=as_json)
    structlog.get_logger().error("lookup_failed", exc_info=_failure())
    said = capsys.readouterr().err
    assert PHONE not in said
    assert REFUSED in said
    assert "Traceback" in said


def test_what_other_libraries_log_goes_the_same_way(capsys: Capture) -> None:
    configure("api", json=True)
    logging.getLogger("uvicorn.access").info('"GET /workers?phone=%s"', PHONE)
    logging.getLogger("aiomqtt").warning("failed %s", "to connect")
    first, second = _lines(capsys)
    assert first["event"] == REFUSED
    assert (second["event"], second["level"], second["process"]) == ("failed to connect", "warning", "api")


def test_a_logger_made_before_the_configuration_follows_it(capsys: Capture) -> None:
    early = structlog.get_logger()
    configure("api", json=True)
    early.info("late_enough")
    assert _lines(capsys)[0]["event"] == "late_enough"


def test_a_value_that_cannot_be_printed_costs_only_itself(capsys: Capture) -> None:
    class Broken:
        def __repr__(self) -> str:
            raise RuntimeError("no")

    configure("api", json=True)
    structlog.get_logger().info("seen", value=Broken())
    assert "RuntimeError while printing" in str(_lines(capsys)[0]["value"])
