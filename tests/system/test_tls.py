"""Security profile 3: a chip with its own certificate talks to the platform over TLS, and only as itself."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway import identity
from simulator.device import Device
from simulator.identity import ChipIdentity, Settings, Tls
from simulator.link import Link
from tests.database import Database
from tests.ingest.conftest import PINNED, enrol, telemetry_of, working
from weld.cli.mosquitto import Mosquitto, TlsFiles
from weld.kit.clock import SystemClock

NOW = datetime.now(UTC)
CA = identity.make_ca(NOW)


@dataclass(frozen=True)
class Place:
    """A broker with a TLS listener, and the folder for chips' files."""

    broker: Mosquitto
    folder: Path

    def tls(self, chip: str, ca: identity.Issued = CA) -> Tls:
        """A certificate for a chip of this name, signed by `ca`."""
        issued = identity.issue_chip(ca, chip, NOW)
        files = {"ca.pem": CA.certificate, f"{chip}.pem": issued.certificate, f"{chip}.key": issued.key}
        for name, content in files.items():
            (self.folder / name).write_bytes(content)
        return Tls(self.folder / "ca.pem", self.folder / f"{chip}.pem", self.folder / f"{chip}.key")


@contextmanager
def place() -> Iterator[Place]:
    server = identity.issue_server(CA, NOW)
    files = TlsFiles(CA.certificate, server.certificate, server.key)
    with tempfile.TemporaryDirectory(prefix="wgt") as folder:
        Path(folder).chmod(0o755)
        with Mosquitto(Path(folder) / "broker", tls=files) as broker:
            yield Place(broker, Path(folder))


async def test_a_chip_with_its_certificate_is_heard_and_confirmed(database: Database) -> None:
    chip = enrol(database)
    with place() as here:
        me = ChipIdentity(chip, "00", PINNED, tls=here.tls(chip))
        async with (
            working(database, here.broker),
            Device(me, here.broker.tls.host, here.broker.tls.port, SystemClock()) as device,
        ):
            await device.wait_all_stored(30)
    assert (1, 1) in telemetry_of(database)


async def test_a_chip_cannot_write_as_another_whatever_name_it_gives(database: Database) -> None:
    """The certificate's name counts: what chip B says on chip A's topic reaches nobody."""
    victim, liar = enrol(database), enrol(database, "CHIP0002", "41050200000000002")
    with place() as here:
        lying = ChipIdentity(victim, "00", PINNED, tls=here.tls(liar))
        settings = Settings(boot_repeat_ms=200)
        async with (
            working(database, here.broker),
            Device(lying, here.broker.tls.host, here.broker.tls.port, SystemClock(), settings=settings) as device,
        ):
            with pytest.raises(TimeoutError):
                await device.wait_all_stored(3)
    assert telemetry_of(database) == []


async def test_a_certificate_of_another_authority_is_refused(database: Database) -> None:
    chip = enrol(database)
    with place() as here:
        me = ChipIdentity(chip, "00", PINNED, tls=here.tls(chip, identity.make_ca(NOW)))
        with pytest.raises((OSError, TimeoutError)):
            await Link.open(me, here.broker.tls.host, here.broker.tls.port, b"{}", lambda _: None, lambda: None)
