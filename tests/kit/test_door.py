"""Probes, metrics and unpleasant clients at the door of a process."""

import asyncio
import json
from contextlib import suppress

import pytest

from weld.kit.door import Door


async def _say(port: int, words: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(words)
    try:
        return await reader.read()
    finally:
        writer.close()


async def _get(port: int, path: str) -> tuple[int, bytes]:
    answer = await _say(port, f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split(b" ")[1]), body


async def _fine() -> None:
    return None


async def _away() -> str:
    return "no connection"


async def _broken() -> str | None:
    raise RuntimeError("password=hunter2")


async def _hangs() -> str | None:
    await asyncio.sleep(3600)
    return None


async def test_a_living_process_answers() -> None:
    async with Door("127.0.0.1", 0) as door:
        assert door.port > 0
        assert await _get(door.port, "/live") == (200, b'{"live": true}')


async def test_ready_when_every_check_is_fine() -> None:
    async with Door("127.0.0.1", 0, {"database": _fine, "broker": _fine}) as door:
        status, body = await _get(door.port, "/ready")
    assert (status, json.loads(body)) == (200, {"ready": True, "checks": {"database": "ok", "broker": "ok"}})


async def test_not_ready_says_which_check_and_why_but_no_secret() -> None:
    checks = {"database": _fine, "broker": _away, "keys": _broken, "clock": _hangs}
    async with Door("127.0.0.1", 0, checks, check_within_s=0.1) as door:
        status, body = await _get(door.port, "/ready")
    assert status == 503
    assert json.loads(body) == {
        "ready": False,
        "checks": {"database": "ok", "broker": "no connection", "keys": "RuntimeError", "clock": "no answer in time"},
    }


async def test_metrics_are_served() -> None:
    async with Door("127.0.0.1", 0) as door:
        status, body = await _get(door.port, "/metrics")
    assert status == 200
    assert b"# TYPE" in body


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", b"404"),
        (b"POST /live HTTP/1.1\r\n\r\n", b"405"),
        (b"\x16\x03\x01rubbish\r\n\r\n", b"400"),
    ],
)
async def test_what_is_not_ours_is_refused(words: bytes, status: bytes) -> None:
    async with Door("127.0.0.1", 0) as door:
        assert (await _say(door.port, words)).split(b" ")[1] == status


async def test_who_sends_too_much_is_cut_off() -> None:
    async with Door("127.0.0.1", 0) as door:
        with suppress(ConnectionError):
            assert await _say(door.port, b"GET /" + b"x" * 1_000_000) == b""
        assert (await _get(door.port, "/live"))[0] == 200


async def test_who_sends_nothing_is_cut_off() -> None:
    async with Door("127.0.0.1", 0, client_within_s=0.1) as door:
        async with asyncio.timeout(2):
            with suppress(ConnectionError):
                assert await _say(door.port, b"GET /li") == b""
        assert (await _get(door.port, "/live"))[0] == 200


async def test_many_silent_clients_do_not_fill_the_house() -> None:
    async with Door("127.0.0.1", 0, client_within_s=0.2) as door:
        silent = [await asyncio.open_connection("127.0.0.1", door.port) for _ in range(60)]
        async with asyncio.timeout(10):
            for reader, writer in silent:
                with suppress(ConnectionError):
                    assert await reader.read() == b""  # cut off, at once or in time
                writer.close()
        assert (await _get(door.port, "/live"))[0] == 200


async def test_closing_does_not_wait_for_a_silent_client() -> None:
    door = Door("127.0.0.1", 0)
    await door.open()
    _, writer = await asyncio.open_connection("127.0.0.1", door.port)
    async with asyncio.timeout(1):
        await door.close()
    writer.close()
    with pytest.raises(OSError, match="Connect"):
        await asyncio.open_connection("127.0.0.1", door.port)


def test_only_loopback_is_accepted() -> None:
    with pytest.raises(ValueError, match="loopback"):
        Door("0.0.0.0", 0)
