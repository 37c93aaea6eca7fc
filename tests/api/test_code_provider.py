"""Codes by HTTP: what is posted, and what the log tells when it does not arrive."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from api.code_provider import ConsoleProvider, HttpProvider, provider_of
from api.settings import ApiSettings

REQUEST = UUID("01930000-0000-7000-8000-000000000001")


@asynccontextmanager
async def carrier(status: str, *, silent: bool = False) -> AsyncIterator[tuple[str, list[bytes]]]:
    """Whoever sends messages: its address, and what it was given."""
    heard: list[bytes] = []
    writers: list[asyncio.StreamWriter] = []
    over = asyncio.Event()

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if b"content-length" in line)
        heard.append(head + await reader.readexactly(length))
        if not silent:
            location = b"Location: /elsewhere\r\n" if status.startswith("3") else b""
            writer.write(b"HTTP/1.1 " + status.encode() + b"\r\nContent-Length: 0\r\n" + location + b"\r\n")
            await writer.drain()
        else:
            await over.wait()
        writer.close()

    server = await asyncio.start_server(hear, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/send", heard
        over.set()
        for writer in writers:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


async def test_a_code_is_posted_with_the_installations_words_and_its_key(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("Bearer carrier-key\n", encoding="utf-8")
    body = '{"to": ["+86{phone}"], "params": {"code": "{code}", "min": "{minutes}"}, "n": 1}'
    async with carrier("200 OK") as (url, heard):
        provider = provider_of(ApiSettings(sms_url=url, sms_body=body, sms_authorization_file=key))
        await provider.send("13800000001", "042137", REQUEST)
    head, _, sent = heard[0].partition(b"\r\n\r\n")
    assert json.loads(sent) == {"to": ["+8613800000001"], "params": {"code": "042137", "min": "5"}, "n": 1}
    assert b"authorization: bearer carrier-key" in head.lower()
    assert b"13800000001" not in head


@pytest.mark.parametrize(
    ("status", "silent", "told"),
    [
        ("500 No", False, {"status": 500}),
        ("302 Found", False, {"status": 302}),
        ("200 OK", True, {"error": "ReadTimeout"}),
    ],
)
async def test_what_does_not_arrive_is_told_without_phone_and_code(
    status: str, silent: bool, told: dict[str, object]
) -> None:
    async with carrier(status, silent=silent) as (url, heard):
        with capture_logs() as lines:
            await HttpProvider(ApiSettings(sms_url=url, sms_within_s=0.3 if silent else 30)).send(
                "13800000001", "042137", REQUEST
            )
    assert len(heard) == 1  # and no redirect was followed
    assert lines == [{"event": "code_not_sent", "log_level": "warning", "request": str(REQUEST)} | told]


def test_without_an_address_codes_stand_on_the_console() -> None:
    assert isinstance(provider_of(ApiSettings()), ConsoleProvider)


@pytest.mark.parametrize("body", ["{}", "no json", '{"phone": "{phone}"}'])
def test_a_template_without_phone_or_code_is_refused(body: str) -> None:
    with pytest.raises(ValueError, match=r"phone|Expecting"):
        provider_of(ApiSettings(sms_url="https://sms.example", sms_body=body))


@pytest.mark.parametrize("url", ["http://sms.example/send", "ftp://x", "http://localhost.example/"])
def test_phones_do_not_travel_in_the_clear(url: str) -> None:
    with pytest.raises(ValueError, match=r"sms_url|SMS_URL"):
        ApiSettings(sms_url=url)
