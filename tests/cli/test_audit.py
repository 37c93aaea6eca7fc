"""`weldgate audit verify` and the daily anchors, on real databases: what holds, what is found, and what cannot be told."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from typer.testing import CliRunner, Result

from tests.database import Database
from weld.cli.anchors import Anchorage, BrokenError
from weld.cli.main import app
from weld.cli.maintain import MaintainSettings, maintain, serve
from weld.kit.clock import SystemClock

NOW = datetime(2025, 11, 22, 12, tzinfo=UTC)
# What somebody who knows the code and is master of the server does: a row changed, and all hashes after it made anew.
FORGED = """
    UPDATE weld.audit SET actor = 'somebody else' WHERE seq = 2;
    DO $$ DECLARE r record; last bytea := decode(repeat('00', 32), 'hex'); BEGIN
        FOR r IN SELECT * FROM weld.audit ORDER BY seq LOOP
            UPDATE weld.audit SET before = last,
                hash = weld.audit_hash(last, r.seq, r.at, r.actor, r.action, r.subject, r.detail) WHERE seq = r.seq;
            SELECT hash INTO last FROM weld.audit WHERE seq = r.seq;
        END LOOP;
        UPDATE weld.audit_head SET hash = last;
    END $$"""
CUT = """
    DELETE FROM weld.audit WHERE seq > 2;
    UPDATE weld.audit_head SET seq = 2, hash = (SELECT hash FROM weld.audit WHERE seq = 2)"""


@dataclass
class Place:
    """A database with its anchors, and the key that signs them."""

    database: Database
    folder: Path
    key_file: Path
    key: Ed25519PrivateKey

    @property
    def anchorage(self) -> Anchorage:
        return Anchorage(self.folder / "anchors", self.key)

    def append(self, count: int) -> None:
        with psycopg.connect(self.database.url("api"), autocommit=True) as conn:
            for _ in range(count):
                conn.execute("SELECT weld.audit_append(now(), 'a', 'b', 'c', '{}')")

    def anchor(self, now: datetime = NOW) -> Path:
        assert self.anchorage.keep(self.database.url("owner"), now)
        return self.folder / "anchors" / f"anchor-{now:%Y-%m-%d}.json"

    def verify(self, *words: str, **changed: str) -> Result:
        told = {
            "WELDGATE_PROCESS_DATABASE_URL": self.database.url("owner"),
            "WELDGATE_ANCHOR_FOLDER": str(self.folder / "anchors"),
            "WELDGATE_KEY_FILE": str(self.key_file),
        }
        return run(told | changed, *words)


def run(told: Mapping[str, str], *words: str) -> Result:
    return CliRunner().invoke(app, ["audit", "verify", *words], env=dict(told))


@pytest.fixture
def place(database: Database, tmp_path: Path) -> Place:
    key = Ed25519PrivateKey.generate()
    file = tmp_path / "audit.pem"
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return Place(database, tmp_path, file, key)


def head_of(place: Place) -> str:
    found: str = place.database.rows("SELECT encode(hash, 'hex') FROM weld.audit_head")[0][0]
    return found


def test_an_empty_chain_holds(place: Place) -> None:
    done = place.verify("--json")
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout) == {
        "rows": 0,
        "first": None,
        "last": None,
        "head": "00" * 32,
        "holds": True,
        "broken_at": None,
    }


def test_a_chain_holds_and_says_how_long_it_is(place: Place) -> None:
    place.append(3)
    done = place.verify("--json")
    assert (done.exit_code, done.stderr.count("\n")) == (0, 1)
    expected: dict[str, Any] = {
        "rows": 3,
        "first": 1,
        "last": 3,
        "head": head_of(place),
        "holds": True,
        "broken_at": None,
    }
    assert json.loads(done.stdout) == expected


def test_a_broken_chain_says_where_and_what_was_expected(place: Place) -> None:
    place.append(5)
    place.database.rows("UPDATE weld.audit SET actor = 'somebody else' WHERE seq = 4")
    done = place.verify("--json")
    assert done.exit_code == 1
    words = json.loads(done.stdout)
    assert (words["rows"], words["holds"], words["broken_at"]) == (3, False, 4)
    assert "broken at row 4: expected the hash " in done.stderr
    assert place.verify().stdout == ""


@pytest.mark.parametrize("name", ["postgres", "no_such_database"])
def test_a_database_without_a_chain_cannot_be_judged(place: Place, name: str) -> None:
    done = place.verify(
        "--json", WELDGATE_PROCESS_DATABASE_URL=place.database.admin_url.replace(place.database.name, name)
    )
    assert (done.exit_code, done.stdout) == (2, "")
    assert "cannot tell" in done.stderr


def test_the_server_of_the_setting_is_looked_at_and_left_as_it_is(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("weld.cli.stack.CLONE", tmp_path)
    monkeypatch.delenv("WELDGATE_PROCESS_DATABASE_URL", raising=False)
    place.append(2)
    told = {"WELDGATE_DATABASE_URL": place.database.server_url, "WELDGATE_DATABASE": place.database.name}
    done = run(told, "--json")
    assert (done.exit_code, json.loads(done.stdout)["rows"]) == (0, 2), done.stderr
    assert run(told | {"WELDGATE_DATABASE": "nowhere_at_all"}).exit_code == 2
    assert place.database.rows("SELECT 1 FROM pg_database WHERE datname = 'nowhere_at_all'") == []


def test_an_anchor_is_written_once_a_day_as_a_whole_and_for_us_alone(place: Place) -> None:
    place.append(2)
    file = place.anchor()
    words = json.loads(file.read_text())
    assert (words["seq"], words["hash"], words["at"]) == (2, head_of(place), "2025-11-22T12:00:00Z")
    assert len(words["jws"].split(".")) == 3
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    before = file.read_bytes()
    place.append(1)
    assert not place.anchorage.keep(place.database.url("owner"), NOW + timedelta(hours=11, minutes=59))
    assert file.read_bytes() == before
    place.anchor(NOW + timedelta(hours=12))
    assert [one.name for one in sorted(file.parent.iterdir())] == ["anchor-2025-11-22.json", "anchor-2025-11-23.json"]
    assert place.verify().stderr.startswith("weldgate: the audit holds: 3 rows, 2 anchors")


def test_maintenance_anchors_an_empty_chain_too_and_at_its_start(place: Place) -> None:
    url = place.database.url("owner")
    assert maintain(url, MaintainSettings(), NOW, place.anchorage)["anchored"] == 1
    assert maintain(url, MaintainSettings(), NOW, place.anchorage)["anchored"] == 0
    assert place.verify().exit_code == 0


@pytest.mark.parametrize(("done", "seq"), [(FORGED, 3), (CUT, 3), ("DELETE FROM weld.audit WHERE seq > 2", 3)])
def test_a_forger_who_knows_the_code_is_found_by_an_anchor(place: Place, done: str, seq: int) -> None:
    place.append(3)
    copy = place.folder / "kept-elsewhere.json"
    copy.write_bytes(place.anchor().read_bytes())
    place.append(2) if done is FORGED else None
    place.database.rows(done)
    found = place.verify("--json")
    assert (found.exit_code, json.loads(found.stdout)["broken_at"]) == (1, seq), found.stderr
    for file in (place.folder / "anchors").iterdir():
        file.unlink()
    hidden = place.verify()
    assert hidden.exit_code == (0 if done in {FORGED, CUT} else 1), "without an anchor nobody can know"
    assert place.verify("--anchor", str(copy)).exit_code == 1


def test_maintenance_signs_for_no_broken_chain(place: Place) -> None:
    place.append(3)
    place.anchor()
    place.append(2)
    place.database.rows("DELETE FROM weld.audit WHERE seq = 4")
    with pytest.raises(BrokenError, match="row 4"):
        place.anchor(NOW + timedelta(days=1))
    place.database.rows("DELETE FROM weld.audit WHERE seq > 2")
    with pytest.raises(BrokenError, match="row 3: expected row 3, found nothing"):
        place.anchor(NOW + timedelta(days=1))
    assert len(list((place.folder / "anchors").iterdir())) == 1


async def test_maintenance_that_finds_a_broken_chain_says_so_at_its_door_and_goes_on(place: Place) -> None:
    place.append(3)
    place.anchor(NOW - timedelta(days=400))
    place.database.rows("DELETE FROM weld.audit WHERE seq = 3")
    stop, address = asyncio.Event(), place.folder / "address"
    settings = MaintainSettings(door_port=0)
    serving = asyncio.create_task(
        serve(settings, place.database.url("owner"), place.anchorage, SystemClock(), stop, address)
    )
    try:
        async with asyncio.timeout(30), httpx.AsyncClient() as http:
            while not address.exists():
                await asyncio.sleep(0.05)
            while (answer := await http.get(f"{address.read_text().strip()}/ready")).status_code == 200:
                await asyncio.sleep(0.05)
            assert "broken at row 3" in answer.text
            assert (
                "weldgate_maintain_audit_holds 0.0" in (await http.get(f"{address.read_text().strip()}/metrics")).text
            )
    finally:
        stop.set()
        await serving


def test_an_anchor_that_nobody_can_trust_leaves_it_open(place: Place) -> None:
    place.append(1)
    file = place.anchor()
    good = json.loads(file.read_text())
    forgeries: list[Any] = [good | {"seq": 0}, good | {"jws": good["jws"][:-4] + "AAAA"}, good | {"more": 1}, [], {}]
    for changed in forgeries:
        file.write_text(json.dumps(changed))
        assert place.verify().exit_code == 2, changed
        assert str(file) in place.verify().stderr
    file.write_text(json.dumps(good))
    other = Place(place.database, place.folder, place.folder / "other.pem", Ed25519PrivateKey.generate())
    other.key_file.write_bytes(other.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    assert other.verify().exit_code == 2
    assert place.verify(WELDGATE_KEY_FILE="").exit_code == 2
    assert place.verify("--anchor", str(place.folder / "none.json")).exit_code == 2


def test_the_public_half_of_the_key_is_enough(place: Place, tmp_path: Path) -> None:
    place.append(1)
    place.anchor()
    public = tmp_path / "audit.pub"
    public.write_bytes(place.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    assert place.verify("--key", str(public), WELDGATE_KEY_FILE="").exit_code == 0
