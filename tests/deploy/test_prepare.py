"""`weldgate prepare` and `weldgate certify` for real: folders, database, a broker that believes them, processes, a chip."""

import json
import subprocess
from base64 import b64decode
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiomqtt
import psycopg
import pytest
from aiomqtt import MqttError
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gateway import identity
from schemas.signed import PinnedKeys
from simulator.device import Device
from simulator.identity import ChipIdentity, Tls
from tests.deploy.composition import PROCESSES
from tests.deploy.conftest import Place, broker, process
from tests.ingest.conftest import enrol, telemetry_of, until
from tests.structure.sources import ROOT
from weld.cli import authority
from weld.cli.prepare import Servers, make_files
from weld.kit.clock import SystemClock

NOW = datetime.now(UTC)


def _ready(door: str) -> bool:
    port = door.rsplit(":", 1)[1]
    return subprocess.run([str(ROOT / "deploy/ready"), port], capture_output=True, check=False).returncode == 0


def _chip_key(folder: Path, chip: str) -> Path:
    """A chip's own key as two files: CHIP.key, which stays with the chip, and CHIP.pub."""
    key = ec.generate_private_key(ec.SECP256R1())
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    (folder / f"{chip}.key").write_bytes(private)
    (folder / f"{chip}.pub").write_bytes(public)
    return folder / f"{chip}.pub"


def _keys(given: dict[str, str]) -> dict[str, Ed25519PublicKey]:
    return {kid: Ed25519PublicKey.from_public_bytes(b64decode(raw)) for kid, raw in given.items()}


def _enrolled(place: Place, chip: str, folder: Path) -> ChipIdentity:
    """A chip from nothing but what `weldgate certify` printed and its own key."""
    done = place.run("certify", str(place.folder), chip, str(_chip_key(folder, chip)))
    assert done.exit_code == 0, done.stderr
    given = json.loads(done.stdout)
    (folder / "ca.pem").write_text(given["authority"])
    (folder / f"{chip}.pem").write_text(given["certificate"])
    tls = Tls(folder / "ca.pem", folder / f"{chip}.pem", folder / f"{chip}.key")
    return ChipIdentity(chip, "00", PinnedKeys(_keys(given["permit"]), _keys(given["service"])), tls=tls)


async def test_processes_start_from_what_was_prepared_and_a_certified_chip_is_heard(
    prepared: Place, tmp_path: Path
) -> None:
    """The whole of docker-compose.yml without docker: its commands, files, health checks and stops."""
    done = prepared.made("migrate")
    assert done.exit_code == 0, done.stderr
    database = prepared.as_database()
    chip = enrol(database)
    with broker(prepared), ExitStack() as running:
        doors = {
            name: running.enter_context(process(prepared, name, tmp_path, WELDGATE_SHARDS="2"))[1] for name in PROCESSES
        }
        me = _enrolled(prepared, chip, tmp_path)
        async with Device(me, "localhost", prepared.chips, SystemClock()) as device:
            await device.wait_all_stored(30)
        await until(lambda: list(prepared.anchors.glob("anchor-*.json")))
        assert [name for name in PROCESSES if not _ready(doors[name])] == []
    assert (1, 1) in telemetry_of(database)


def test_the_first_officer_is_entered_with_what_the_apis_container_is_told(prepared: Place, tmp_path: Path) -> None:
    """`docker compose run --rm api seed FILE`: no superuser, no other process's secrets, and the secret once on stdout."""
    assert prepared.made("migrate").exit_code == 0
    file = tmp_path / "first.json"
    division = {"code": "4105", "name_zh": "安阳市", "name_en": "Anyang"}
    officer = {"login": "first", "name": "值班长", "scope": "division:4105", "roles": ["division_regulator"]}
    file.write_text(json.dumps({"divisions": [division], "officers": [officer]}))
    nowhere = "postgresql://127.0.0.1:1/nowhere"  # whoever asks for a superuser, or starts a server, fails
    told = {"WELDGATE_SECRETS": str(prepared.folder / "api"), "WELDGATE_DATABASE_URL": nowhere}
    environment = prepared.environment | told
    words = [str(ROOT / "deploy/start"), "seed", str(file)]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["name"] == "first"
    assert prepared.as_database().rows("SELECT login FROM weld.officer") == [("first",)]


async def test_the_broker_lets_in_who_has_the_password_and_nobody_else(prepared: Place) -> None:
    right = json.loads((prepared.folder / "installation" / "broker.json").read_text())["gateway"]
    with broker(prepared):
        async with aiomqtt.Client("127.0.0.1", prepared.platform, username="gateway", password=right, timeout=5):
            pass
        for user, password in (("gateway", "wrong"), ("nobody", right), (None, None)):
            with pytest.raises(MqttError):
                async with aiomqtt.Client("127.0.0.1", prepared.platform, username=user, password=password, timeout=5):
                    pass


def test_each_process_is_told_its_own_login_and_its_own_key(prepared: Place) -> None:
    users = {
        name: prepared.told(name)["WELDGATE_PROCESS_DATABASE_URL"].split("//")[1].split(":")[0] for name in PROCESSES
    }
    roles = {name: name for name in PROCESSES} | {"maintain": "owner"}
    assert users == {name: f"{prepared.database}_{role}" for name, role in roles.items()}
    words = {name: set(prepared.told(name)) - {"WELDGATE_PROCESS_DATABASE_URL"} for name in PROCESSES}
    by_broker, key = {"WELDGATE_PROCESS_MQTT_URL", "WELDGATE_KEY_FILE"}, {"WELDGATE_KEY_FILE"}
    vault = {"WELDGATE_VAULT"}
    assert words == {"ingest": by_broker, "gateway": by_broker, "dispatch": vault, "api": vault, "maintain": key}
    keys = {"ingest": "service", "gateway": "permit", "maintain": "audit"}
    for name, which in keys.items():
        own = (prepared.folder / "installation" / f"{which}.pem").read_bytes()
        assert (prepared.folder / name / "key.pem").read_bytes() == own


def test_the_permit_key_lies_with_the_gateway_and_in_the_installation_only(prepared: Place) -> None:
    permit = (prepared.folder / "installation" / "permit.pem").read_bytes()
    holders = [file for file in prepared.folder.rglob("*") if file.is_file() and permit in file.read_bytes()]
    assert {file.relative_to(prepared.folder).as_posix() for file in holders} == {
        "installation/permit.pem",
        "gateway/key.pem",
    }


def test_nothing_is_open_to_others(prepared: Place) -> None:
    assert [file for file in prepared.folder.rglob("*") if file.stat().st_mode & 0o007] == []
    for_the_group = {file.name for file in prepared.folder.rglob("*") if file.stat().st_mode & 0o070}
    assert for_the_group == {"database", "password"}


def test_nothing_secret_is_said(place: Place) -> None:
    done = place.made("prepare")
    secrets = json.loads((place.folder / "installation" / "roles.json").read_text()).values()
    assert [word for word in secrets if word in done.stdout + done.stderr] == []
    assert done.stdout == ""


def test_a_second_time_keeps_every_secret_and_renews_the_copies(prepared: Place) -> None:
    before = {file: file.read_bytes() for file in prepared.folder.rglob("*") if file.is_file()}
    (prepared.folder / "gateway" / "key.pem").write_text("damaged")
    assert prepared.made("prepare").exit_code == 0
    renewed = {file.name for file, content in before.items() if file.read_bytes() != content}
    assert renewed == {"platform.passwords"}  # another salt over the same passwords


def test_the_database_can_be_set_up_twice_and_each_role_enters(prepared: Place) -> None:
    for _ in range(2):
        done = prepared.made("migrate")
        assert done.exit_code == 0, done.stderr
    for name in PROCESSES:
        with psycopg.connect(prepared.told(name)["WELDGATE_PROCESS_DATABASE_URL"].strip("'")) as conn:
            assert conn.execute("SELECT count(*) FROM public.schema_version").fetchone() is not None


def test_without_files_there_is_no_database(place: Place) -> None:
    done = place.run(*place.words("migrate"))
    assert done.exit_code == 1
    assert "weldgate prepare" in done.stderr
    assert not place.folder.exists()


def test_without_an_address_the_server_is_the_one_that_starts_with_our_password(tmp_path: Path) -> None:
    make_files(tmp_path / "p", Servers(), NOW)
    password = (tmp_path / "p" / "database" / "password").read_text()
    told = (tmp_path / "p" / "api" / "process.env").read_text()
    assert len(password) >= 24
    assert "@127.0.0.1:5432/weldgate" in told
    assert password not in told


def test_a_password_crosses_no_network_that_is_not_private(place: Place) -> None:
    done = place.run("prepare", str(place.folder), "--broker", "10.1.2.3:1883")
    assert done.exit_code == 1
    assert "no encryption" in done.stderr


def test_outside_containers_the_door_for_processes_is_on_loopback(tmp_path: Path) -> None:
    make_files(tmp_path / "p", Servers(), NOW)
    text = (tmp_path / "p" / "broker" / "mosquitto.conf").read_text()
    assert "listener 18831 127.0.0.1\n" in text
    assert "allow_anonymous true" not in text


def _shown(folder: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate((folder / "broker" / "server.pem").read_bytes())


def test_the_brokers_certificate_is_renewed_in_time_and_for_another_name(tmp_path: Path) -> None:
    folder, hosts = tmp_path / "p", Servers(hosts=("chips.example",))
    make_files(folder, hosts, NOW)
    first, ca = _shown(folder), (folder / "broker" / "ca.pem").read_bytes()
    make_files(folder, hosts, NOW + timedelta(days=270))
    assert _shown(folder) == first
    make_files(folder, hosts, NOW + timedelta(days=280))
    assert _shown(folder).not_valid_after_utc > first.not_valid_after_utc
    make_files(folder, Servers(hosts=("other.example", "10.0.0.1")), NOW)
    named = _shown(folder).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert {str(name.value) for name in named} == {"other.example", "10.0.0.1"}
    assert (folder / "broker" / "ca.pem").read_bytes() == ca


def test_another_authoritys_files_are_taken_as_they_are(tmp_path: Path) -> None:
    folder, ca = tmp_path / "p" / "installation" / "authority", identity.make_ca(NOW, "province")
    folder.mkdir(parents=True, mode=0o700)
    (folder / "ca.pem").write_bytes(ca.certificate)
    with pytest.raises(RuntimeError, match=r"server\.pem is missing"):
        authority.broker_files(folder, ["x.example"], NOW)
    server = identity.issue_server(ca, NOW, ["x.example"])
    (folder / "server.pem").write_bytes(server.certificate)
    (folder / "server.key").write_bytes(server.key)
    make_files(tmp_path / "p", Servers(hosts=("y.example",)), NOW)
    assert (tmp_path / "p" / "broker" / "server.pem").read_bytes() == server.certificate
    assert not (folder / "ca.key").exists()


def test_a_certificate_is_good_for_a_chip_by_name_and_for_the_days_that_were_asked(
    prepared: Place, tmp_path: Path
) -> None:
    done = prepared.run(
        "certify", str(prepared.folder), "WG0000000001", str(_chip_key(tmp_path, "WG0000000001")), "--days", "30"
    )
    made = x509.load_pem_x509_certificate(json.loads(done.stdout)["certificate"].encode())
    assert made.subject.rfc4514_string() == "CN=WG0000000001"
    assert timedelta(days=29) < made.not_valid_after_utc - NOW < timedelta(days=31)
    assert "PRIVATE" not in done.stdout


@pytest.mark.parametrize("chip", ["lower0001", "A/B/C/D/E", "SHORT"])
def test_a_name_that_is_no_chips_gets_no_certificate(prepared: Place, tmp_path: Path, chip: str) -> None:
    done = prepared.run("certify", str(prepared.folder), chip, str(_chip_key(tmp_path, "x")))
    assert (done.exit_code, done.stdout) == (1, "")


def test_a_folder_that_was_not_prepared_certifies_nobody_and_stays_as_it_is(place: Place, tmp_path: Path) -> None:
    done = place.run("certify", str(place.folder), "WG0000000001", str(_chip_key(tmp_path, "x")))
    assert (done.exit_code, done.stdout) == (1, "")
    assert not place.folder.exists()


def test_fewer_groups_have_longer_queues_at_the_broker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WELDGATE_GROUPS", "2")
    make_files(tmp_path / "secrets", Servers(), NOW)
    assert "max_queued_bytes 1073741824\n" in (tmp_path / "secrets/broker/mosquitto.conf").read_text()
