"""The real broker with our configuration: who may say what, who gets in, what survives."""

import asyncio
import os
import ssl
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiomqtt
import pytest
from aiomqtt import MqttError, ProtocolVersion, Will
from paho.mqtt.properties import Properties

from gateway import identity
from gateway.broker import Limits
from tests.structure.sources import ROOT
from weld.cli import mosquitto
from weld.cli.mosquitto import Address, Mosquitto, TlsFiles

A, B = "CHIPAAAA1", "CHIPBBBB1"
UP_A, UP_B = f"wg/1/0a/{A}/up", f"wg/1/0a/{B}/up"
DOWN_A, DOWN_B = f"wg/1/0a/{A}/down", f"wg/1/0a/{B}/down"

NOW = datetime.now(UTC)

# Long enough for a message that was not refused to arrive: the honest one after it arrives in a few milliseconds.
_SILENCE_S = 0.3


class Client(aiomqtt.Client):
    """A client that remembers how the broker answered its messages; aiomqtt itself ignores the reason code."""

    def __init__(self, address: Address, **words: Any) -> None:
        super().__init__(address.host, address.port, protocol=ProtocolVersion.V5, timeout=5, **words)
        self.refusals: list[str] = []

    def _on_publish(self, client: Any, userdata: Any, mid: int, reason_code: Any, properties: Any) -> None:
        if reason_code.is_failure:
            self.refusals.append(str(reason_code))
        super()._on_publish(client, userdata, mid, reason_code, properties)

    async def heard(self, count: int) -> list[str]:
        """The next messages, and then silence."""
        texts: list[str] = []
        try:
            async with asyncio.timeout(5 if count else _SILENCE_S) as limit:
                async for message in self.messages:
                    assert isinstance(message.payload, bytes)
                    texts.append(f"{message.topic} {message.payload.decode()}")
                    if len(texts) >= count:
                        limit.reschedule(asyncio.get_running_loop().time() + _SILENCE_S)
        except TimeoutError:
            pass
        return texts


def platform(broker: Mosquitto, user: str = "ingest", **words: Any) -> Client:
    return Client(broker.platform, username=user, password=broker.password(user), **words)


@asynccontextmanager
async def listening(broker: Mosquitto, user: str = "ingest", **words: Any) -> AsyncIterator[Client]:
    """The platform, with ears for all that it may hear."""
    async with platform(broker, user, **words) as client:
        for topic in ("wg/1/+/+/up", "wg/1/+/+/state"):
            await client.subscribe(topic, qos=1)
        yield client


@dataclass(frozen=True)
class Papers:
    """An authority and what it has issued."""

    ca: identity.Issued
    server: identity.Issued
    chips: dict[str, identity.Issued]

    def revoked(self, *chips: str) -> bytes:
        return identity.revoke(self.ca, [self.chips[chip].certificate for chip in chips], NOW)

    @property
    def tls(self) -> TlsFiles:
        return TlsFiles(self.ca.certificate, self.server.certificate, self.server.key, self.revoked())

    def context(self, folder: Path, shown: identity.Issued | None) -> ssl.SSLContext:
        """What a chip that shows this certificate (None: shows none) connects with."""
        context = ssl.create_default_context(cadata=self.ca.certificate.decode())
        if shown is not None:
            file = folder / "shown.pem"
            file.write_bytes(shown.certificate + shown.key)
            context.load_cert_chain(file)
        return context


@pytest.fixture(scope="module")
def papers() -> Papers:
    ca = identity.make_ca(NOW)
    chips = {chip: identity.issue_chip(ca, chip, NOW) for chip in (A, B)}
    return Papers(ca, identity.issue_server(ca, NOW), chips)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    """A broker in a folder below one of mode 0700."""
    assert tmp_path.stat().st_mode & 0o077 == 0
    with Mosquitto(tmp_path / "broker") as running:
        yield running


@pytest.fixture
def strict(tmp_path: Path, papers: Papers) -> Iterator[Mosquitto]:
    """A broker with a listener of security profile 3."""
    with Mosquitto(tmp_path / "broker", tls=papers.tls) as running:
        yield running


# --- profile 0: the name is claimed ------------------------------------------------------------------------------------


async def test_profile_0_a_chip_cannot_write_as_another(broker: Mosquitto) -> None:
    async with listening(broker) as ingest, Client(broker.chips, username=A) as chip:
        await chip.publish(UP_B, "a lie", qos=1)
        await chip.publish(f"wg/1/0a/{B}/state", "a lie", qos=1)
        await chip.publish(DOWN_A, "a lie", qos=1)
        assert chip.refusals == ["Not authorized"] * 3
        await chip.publish(UP_A, "honest", qos=1)
        assert await ingest.heard(1) == [f"{UP_A} honest"]
        assert len(chip.refusals) == 3


async def test_profile_0_a_chip_hears_only_its_own_down(broker: Mosquitto) -> None:
    async with platform(broker, "gateway") as gateway, Client(broker.chips, username=A) as chip:
        for topic in ("#", "$SYS/#", DOWN_B, UP_A, DOWN_A):
            await chip.subscribe(topic, qos=1)
        await gateway.publish(DOWN_B, "for b", qos=1)
        await gateway.publish(DOWN_A, "for a", qos=1)
        heard = await chip.heard(1)
        assert set(heard) == {f"{DOWN_A} for a"}  # once for each subscription that covers it


async def test_profile_0_a_will_cannot_speak_for_another(broker: Mosquitto) -> None:
    async with listening(broker) as ingest:
        for chip, state in ((A, B), (B, B)):
            will = Will(f"wg/1/0a/{state}/state", f"offline, says {chip}", qos=1)
            client = Client(broker.chips, username=chip, will=will)
            async with client:
                client._client._sock_close()
        assert await ingest.heard(1) == [f"wg/1/0a/{B}/state offline, says {B}"]


@pytest.mark.parametrize("name", [None, ""])
async def test_profile_0_nobody_without_a_name_gets_in(broker: Mosquitto, name: str | None) -> None:
    with pytest.raises(MqttError, match=r"[Nn]ot authori"):
        async with Client(broker.chips, identifier=A, username=name):
            pass


@pytest.mark.parametrize("name", ["ingest", "gateway", "+", "#", "0a/+", "%u", "%c"])
async def test_profile_0_a_name_of_the_platform_or_of_the_grammar_opens_nothing(broker: Mosquitto, name: str) -> None:
    async with (
        platform(broker, "gateway") as gateway,
        listening(broker) as ingest,
        Client(broker.chips, username=name) as liar,
    ):
        for topic in ("#", "wg/1/+/+/up", "wg/1/+/+/down", "$SYS/#"):
            await liar.subscribe(topic, qos=1)
        for topic in (UP_A, DOWN_A, f"wg/1/0a/{A}/state", "$SYS/broker/version"):
            await liar.publish(topic, "a lie", qos=1)
        await gateway.publish(DOWN_A, "for a", qos=1)
        assert liar.refusals == ["Not authorized"] * 4
        assert await liar.heard(0) == []
        assert await ingest.heard(0) == []


async def test_profile_0_nobody_takes_over_a_session_by_its_client_id(broker: Mosquitto) -> None:
    async with (
        listening(broker, identifier="ingest-0a") as ingest,
        Client(broker.chips, username=A, identifier="ingest-0a") as liar,
    ):
        await liar.publish(UP_A, "still heard", qos=1)
        assert await ingest.heard(1) == [f"{UP_A} still heard"]


# --- profile 3: the name is the certificate's --------------------------------------------------------------------------


async def test_profile_3_a_chip_cannot_write_as_another(strict: Mosquitto, papers: Papers, tmp_path: Path) -> None:
    # The user name and the client id are lies too: the certificate counts.
    lies = {"username": B, "identifier": "ingest-0a", "tls_context": papers.context(tmp_path, papers.chips[A])}
    async with listening(strict, identifier="ingest-0a") as ingest, Client(strict.tls, **lies) as chip:
        await chip.publish(UP_B, "a lie", qos=1)
        assert chip.refusals == ["Not authorized"]
        await chip.publish(UP_A, "honest", qos=1)
        assert await ingest.heard(1) == [f"{UP_A} honest"]


async def test_profile_3_a_chip_hears_only_its_own_down(strict: Mosquitto, papers: Papers, tmp_path: Path) -> None:
    context = papers.context(tmp_path, papers.chips[A])
    async with platform(strict, "gateway") as gateway, Client(strict.tls, tls_context=context) as chip:
        await chip.subscribe("#", qos=1)
        await gateway.publish(DOWN_B, "for b", qos=1)
        await gateway.publish(DOWN_A, "for a", qos=1)
        assert await chip.heard(1) == [f"{DOWN_A} for a"]


# MQTT 5, clean start, keep-alive 60 s, no properties, client id left to the broker.
_CONNECT = bytes.fromhex("10 0d 0004 4d515454 05 02 003c 00 0000")


async def _is_refused(strict: Mosquitto, context: ssl.SSLContext) -> bool:
    """By hand: with TLS 1.3 the refusal of a certificate comes after the handshake, which clients take for silence."""
    writer = None
    try:
        reader, writer = await asyncio.open_connection("localhost", strict.tls.port, ssl=context)
        writer.write(_CONNECT)
        async with asyncio.timeout(5):
            answer = await reader.read(4)
    except (ssl.SSLError, ConnectionError):
        return True
    finally:
        if writer is not None:
            writer.transport.abort()
    return answer[:1] + answer[3:4] != b"\x20\x00"


async def test_profile_3_without_a_certificate_nobody_gets_in(
    strict: Mosquitto, papers: Papers, tmp_path: Path
) -> None:
    assert await _is_refused(strict, papers.context(tmp_path, None))


async def test_profile_3_certificates_of_others_are_refused(strict: Mosquitto, papers: Papers, tmp_path: Path) -> None:
    stranger = identity.issue_chip(identity.make_ca(NOW), A, NOW)
    expired = identity.issue_chip(papers.ca, A, NOW - timedelta(days=400))
    early = identity.issue_chip(papers.ca, A, NOW + timedelta(days=1))
    for shown in (stranger, expired, early, papers.server):
        assert await _is_refused(strict, papers.context(tmp_path, shown))
    assert not await _is_refused(strict, papers.context(tmp_path, papers.chips[A]))


async def test_profile_3_a_revoked_certificate_is_refused_after_the_reload(
    strict: Mosquitto, papers: Papers, tmp_path: Path
) -> None:
    of_a, of_b = (papers.context(tmp_path, papers.chips[chip]) for chip in (A, B))
    assert not await _is_refused(strict, of_b)
    before = strict.pid
    strict.replace_crl(papers.revoked(B))
    assert strict.pid == before
    assert await _is_refused(strict, of_b)
    assert not await _is_refused(strict, of_a)
    strict.restart()
    assert await _is_refused(strict, of_b)


@pytest.mark.parametrize(("version", "good"), [("TLSv1_1", False), ("TLSv1_2", True), ("TLSv1_3", True)])
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated:DeprecationWarning")
async def test_profile_3_speaks_tls_1_2_and_later(
    strict: Mosquitto, papers: Papers, tmp_path: Path, version: str, good: bool
) -> None:
    context = papers.context(tmp_path, papers.chips[A])
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion[version]
    assert await _is_refused(strict, context) is not good


# --- the platform's own listener ---------------------------------------------------------------------------------------


async def test_a_wrong_platform_password_is_refused(broker: Mosquitto) -> None:
    for words in ({"username": "ingest", "password": "wrong"}, {"username": A}, {}):
        with pytest.raises(MqttError, match=r"[Nn]ot authori"):
            async with Client(broker.platform, **words):
                pass


async def test_the_gateway_hears_states_but_no_telemetry(broker: Mosquitto) -> None:
    async with listening(broker, "gateway") as gateway, Client(broker.chips, username=A) as chip:
        await chip.publish(UP_A, "telemetry", qos=1)
        await chip.publish(f"wg/1/0a/{A}/state", "online", qos=1)
        assert await gateway.heard(1) == [f"wg/1/0a/{A}/state online"]


async def test_ingest_answers_chips_and_reads_the_counters(broker: Mosquitto) -> None:
    async with platform(broker) as ingest, Client(broker.chips, username=A) as chip:
        await chip.subscribe(DOWN_A, qos=1)
        await ingest.publish(DOWN_A, "stored", qos=1)
        assert await chip.heard(1) == [f"{DOWN_A} stored"]
        await ingest.publish(UP_A, "as a chip", qos=1)
        assert ingest.refusals == ["Not authorized"]
        await ingest.subscribe("$SYS/broker/version")
        assert (await ingest.heard(1))[0].startswith("$SYS/broker/version mosquitto")


# --- what survives -----------------------------------------------------------------------------------------------------


def _lasting() -> Properties:
    from paho.mqtt.packettypes import PacketTypes

    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = 3600
    return properties


def _with_session(broker: Mosquitto) -> Client:
    return platform(broker, identifier="ingest-0a", clean_start=False, properties=_lasting())


async def test_a_reader_that_is_away_loses_nothing_of_many_messages(broker: Mosquitto) -> None:
    """The broker's defaults keep 1,000 and drop the rest without a word."""
    async with _with_session(broker) as ingest:
        await ingest.subscribe("wg/1/+/+/up", qos=1)
    async with Client(broker.chips, username=A, max_queued_outgoing_messages=0) as chip:
        await asyncio.gather(*(chip.publish(UP_A, str(number), qos=1) for number in range(3000)))
        assert chip.refusals == []
    broker.restart()  # in order: queues are written and read again
    async with _with_session(broker) as ingest:
        assert len(await ingest.heard(3000)) == 3000


async def test_a_crash_is_survived_on_the_same_ports(tmp_path: Path) -> None:
    with Mosquitto(tmp_path / "broker", limits=replace(Limits(), autosave_interval_s=1)) as broker:
        before = broker.chips, broker.platform, broker.pid
        async with _with_session(broker) as ingest:
            await ingest.subscribe("wg/1/+/+/up", qos=1)
        async with Client(broker.chips, username=A) as chip:
            await chip.publish(UP_A, "saved", qos=1)
        saved = tmp_path / "broker" / "mosquitto.db"
        while not saved.exists() or UP_A.encode() not in saved.read_bytes():  # the test's own limit ends this
            await asyncio.sleep(0.1)
        broker.kill()
        assert broker.pid is None
        with pytest.raises(MqttError):
            await Client(broker.chips, username=A).__aenter__()
        broker.restart()
        assert (broker.chips, broker.platform) == before[:2]
        assert broker.pid != before[2]
        async with _with_session(broker) as ingest:
            assert await ingest.heard(1) == [f"{UP_A} saved"]


# --- on this machine ---------------------------------------------------------------------------------------------------


def test_it_runs_as_nobody_special_and_its_files_are_private(broker: Mosquitto, tmp_path: Path) -> None:
    status = Path(f"/proc/{broker.pid}/status").read_text()
    (uids,) = [line.split()[1:] for line in status.splitlines() if line.startswith("Uid:")]
    assert "0" not in uids
    assert [file.name for file in (tmp_path / "broker").glob("*.acl") if file.stat().st_mode & 0o077] == []
    passwords = (tmp_path / "broker" / "platform.passwords").read_text()
    assert broker.password("ingest") not in passwords
    assert passwords.startswith("ingest:$")


async def test_no_payload_and_no_password_stands_in_the_log(broker: Mosquitto) -> None:
    async with listening(broker) as ingest, Client(broker.chips, username=A) as chip:
        await chip.publish(UP_A, "13812345678", qos=1)
        await ingest.heard(1)
    log = broker.log.read_text()
    assert A in log
    assert "13812345678" not in log
    assert broker.password("ingest") not in log


def test_the_broker_does_not_outlive_a_killed_process(tmp_path: Path) -> None:
    code = """
import sys, time
from pathlib import Path
from weld.cli.mosquitto import Mosquitto
broker = Mosquitto(Path(sys.argv[1]), remove=True)
broker.start()
print(broker.pid, flush=True)
time.sleep(600)
"""
    folder = tmp_path / "broker"
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(folder)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.stdout is not None
    pid = int(process.stdout.readline())
    assert Path(f"/proc/{pid}").exists()
    process.kill()
    process.communicate()
    while folder.exists() or Path(f"/proc/{pid}").exists():  # the test's own limit ends this
        time.sleep(0.05)


def test_a_port_that_is_taken_is_an_error_and_not_somebody_elses_broker(broker: Mosquitto, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="Address already in use"):
        Mosquitto(tmp_path / "second", chips_port=broker.chips.port).start()
    assert not (tmp_path / "second" / "mosquitto.db").exists()


def test_a_folder_has_one_broker(broker: Mosquitto, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="another process runs a broker"):
        Mosquitto(tmp_path / "broker").start()
    before = broker.pid
    broker.reload()
    assert broker.pid == before


def test_a_missing_program_is_named() -> None:
    with pytest.raises(RuntimeError, match=r"no-such-broker is not installed.*apt-get install mosquitto"):
        mosquitto._program("no-such-broker")
