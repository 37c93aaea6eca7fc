"""Where dispatch refuses to connect, tried against real servers, and what it says to those it may reach."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from dispatch.post import Courier, Message
from dispatch.target import Guard, Refused, Target
from tests.dispatch.scene import Scene, new_secret
from weld.cli.webhook_sink import Failures, WebhookSink
from weld.core.address import Entry
from weld.core.retry import Answer
from weld.kit.clock import SystemClock

LOOPBACK = "127.0.0.0/8"


def a_guard(*allowed: str) -> Guard:
    return Guard(tuple(Entry.parse(entry) for entry in allowed))


def a_courier(*allowed: str, ca_file: Path | None = None) -> Courier:
    return Courier(a_guard(*allowed), SystemClock(), 5.0, ca_file)


async def answer(url: str, *allowed: str, key: str | None = None, ca_file: Path | None = None) -> Answer:
    async with a_courier(*allowed, ca_file=ca_file) as courier:
        return await courier.post(url, Message("1", "{}", key or new_secret()))


@pytest.mark.parametrize(
    ("url", "allowed", "error"),
    [
        ("http://127.0.0.1:{port}/", (), "not_allowed"),
        ("http://127.0.0.1:{port}/", ("0.0.0.0/0", "::/0"), "not_allowed"),
        ("http://127.0.0.1:{port}/", ("127.0.0.0/8:1",), "not_allowed"),
        ("http://127.1:{port}/", ("10.0.0.0/8",), "not_allowed"),
        ("http://2130706433:{port}/", ("10.0.0.0/8",), "not_allowed"),
        ("http://0x7f.1:{port}/", ("10.0.0.0/8",), "not_allowed"),
        ("http://0:{port}/", ("0.0.0.0/0", LOOPBACK), "not_allowed"),
        ("http://[::ffff:127.0.0.1]:{port}/", (LOOPBACK, "::/0"), "not_allowed"),
        ("http://localhost:{port}/", ("10.0.0.0/8",), "not_allowed"),
        ("http://localhost:{port}/", ("localhost",), "not_allowed"),
        ("http://user@127.0.0.1:{port}/", (LOOPBACK,), "bad_address"),
        ("http://user:word@127.0.0.1:{port}/", (LOOPBACK,), "bad_address"),
        ("http://10.0.0.1#@127.0.0.1:{port}/", (LOOPBACK,), "bad_address"),
        ("gopher://127.0.0.1:{port}/", (LOOPBACK,), "bad_address"),
        ("http://169.254.169.254/latest/meta-data/", ("0.0.0.0/0", "169.254.0.0/16"), "not_allowed"),
        ("http://nowhere.invalid/", ("0.0.0.0/0",), "dns"),
    ],
)
async def test_a_forbidden_target_is_never_connected_to(url: str, allowed: tuple[str, ...], error: str) -> None:
    key = new_secret()
    async with WebhookSink(key) as sink:
        port = sink.url.rstrip("/").rpartition(":")[2]
        assert await answer(url.format(port=port), *allowed, key=key) == Answer(None, error)
    assert sink.calls == []


async def test_a_redirect_is_not_followed() -> None:
    key = new_secret()
    async with WebhookSink(key) as inside:
        failures = Failures(first=-1, status=307, headers={"Location": inside.url})
        async with WebhookSink(key, failures) as outside:
            assert (await answer(outside.url, LOOPBACK, key=key)).status == 307
    assert inside.calls == []


async def test_a_name_is_resolved_once_and_that_address_is_connected_to() -> None:
    assert await a_guard(LOOPBACK).target("http://localhost:8080/a?b=c") == Target(
        url="http://127.0.0.1:8080/a?b=c", host="localhost", host_header="localhost:8080"
    )
    assert await a_guard("::1").target("https://[::1]/") == Target(
        url="https://[::1]:443/", host="::1", host_header="[::1]"
    )
    with pytest.raises(Refused, match="not_allowed"):
        await a_guard("10.0.0.0/8").target("http://localhost:8080/")


async def test_a_name_inside_an_allowed_network_is_reached_under_its_name() -> None:
    key = new_secret()
    async with WebhookSink(key) as sink:
        reached = await answer(sink.url.replace("127.0.0.1", "localhost"), LOOPBACK, key=key)
    assert reached.status == 204


async def test_an_endpoint_that_is_not_allowed_is_recorded_and_tried_again(scene: Scene) -> None:
    key = new_secret()
    async with WebhookSink(key) as sink, scene.running(webhook_allow="10.0.0.0/8"):
        scene.endpoint(sink.url, key)
        await asyncio.to_thread(scene.announce, scene.alert())
        await scene.until("SELECT min(error) FROM weld.attempt", "not_allowed")
    assert sink.calls == []
    assert scene.deliveries("state") == [("pending",)]


async def test_a_receiver_with_another_secret_refuses(scene: Scene) -> None:
    async with WebhookSink(new_secret()) as sink, scene.running():
        scene.endpoint(sink.url, new_secret())
        await asyncio.to_thread(scene.announce, scene.alert())
        await scene.until("SELECT min(status) FROM weld.attempt", 401)
    assert sink.received == []


async def test_silence_and_rubbish_are_answers_too() -> None:
    assert await answer("http://127.0.0.1:1/", LOOPBACK) == Answer(None, "connect")
    async with _raw(b"SSH-2.0-OpenSSH_9.2\r\n") as port:
        assert await answer(f"http://127.0.0.1:{port}/", LOOPBACK) == Answer(None, "protocol")
    async with _raw(b"") as port:
        assert await answer(f"http://127.0.0.1:{port}/", LOOPBACK) == Answer(None, "protocol")
        assert (await answer(f"https://127.0.0.1:{port}/", LOOPBACK)).error in ("tls", "connect")
    async with Courier(a_guard(LOOPBACK), SystemClock(), 0.2, None) as courier, _raw(None) as port:
        late = await courier.post(f"http://127.0.0.1:{port}/", Message("1", "{}", new_secret()))
    assert late == Answer(None, "timeout")


async def test_an_endless_answer_is_not_read() -> None:
    async with _raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n" + b"x" * 100_000) as port:
        assert (await answer(f"http://127.0.0.1:{port}/", LOOPBACK)).status == 200


async def test_the_certificate_must_be_for_the_name_and_from_a_known_issuer(tmp_path: Path) -> None:
    ca_file = _certificate(tmp_path)
    async with _raw(b"HTTP/1.1 204 No Content\r\n\r\n", tls=tmp_path) as port:
        good = await answer(f"https://localhost:{port}/", LOOPBACK, ca_file=ca_file)
        unknown = await answer(f"https://localhost:{port}/", LOOPBACK)
        other_name = await answer(f"https://127.0.0.1:{port}/", LOOPBACK, ca_file=ca_file)
    assert (good.status, unknown.error, other_name.error) == (204, "tls", "tls")


@asynccontextmanager
async def _raw(said: bytes | None, tls: Path | None = None) -> AsyncIterator[int]:
    """A server that says these bytes and leaves; None: that says nothing and stays."""
    clients: set[asyncio.StreamWriter] = set()

    async def welcome(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        clients.add(writer)
        await reader.read(4096)
        if said is not None:
            writer.write(said)
            writer.close()

    context = None
    if tls is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tls / "server.pem", tls / "server.key")
    server = await asyncio.start_server(welcome, "127.0.0.1", 0, ssl=context)
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        server.close()
        for client in clients:
            client.close()
        await server.wait_closed()


def _certificate(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "server.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "server.key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return folder / "server.pem"
