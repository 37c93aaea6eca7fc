"""`weldgate vault rotate` and `reseal`: then everything opens with the new key alone; a value that does not open stops it."""

import secrets
from pathlib import Path

import pytest

from tests.api.browser import account
from tests.api.staff import seat
from tests.api.test_endpoints import endpoint
from tests.api.town import Town
from weld.cli import vault_keys
from weld.store import resealing
from weld.store.vault import Vault, VaultError


def both(town: Town) -> tuple[Vault, Vault]:
    """The vault after a rotation, and one without the old key."""
    old, new = town.database.vault, secrets.token_bytes(32)
    cipher, index = old._ciphers["k1"], old._index_key
    rotated, bare = Vault("k2", {"k1": b"x" * 32, "k2": new}, index), Vault("k2", {"k2": new}, index)
    rotated._ciphers["k1"] = cipher
    return rotated, bare


async def test_everything_is_sealed_anew_and_needs_the_old_key_no_more(
    town: Town, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    welder, rotated, bare = await town.welder(), *both(town)
    await town.welder()
    await endpoint(town)
    await account(town)
    monkeypatch.setattr(vault_keys, "_TOLD_EVERY", 1)
    before = town.database.rows("SELECT identity_index, phone_index FROM weld.worker ORDER BY id")
    done = await vault_keys.seal_all(town.database.url("api"), rotated)
    assert done == {"worker": 2, "certificate": 2, "endpoint": 1, "officer": 1}
    assert "worker: 2 rows looked at, 2 sealed anew" in capsys.readouterr().err
    for kind in resealing.KINDS:
        for column, field in kind.sealed.items():
            for row, sealed in town.database.rows(f"SELECT id, {column} FROM weld.{kind.table}"):
                assert bare.open(field, row, sealed)
                assert bare.is_current(field, sealed)
    sealed = town.database.rows("SELECT name_sealed FROM weld.worker WHERE id = %s", welder.id)[0][0]
    assert bare.open("worker.name", welder.id, sealed) == welder.name
    assert town.database.rows("SELECT identity_index, phone_index FROM weld.worker ORDER BY id") == before
    again = await vault_keys.seal_all(town.database.url("api"), bare)
    assert set(again.values()) == {0}
    rows = town.database.rows("SELECT actor, detail FROM weld.audit WHERE action = 'vault.resealed' ORDER BY seq")
    assert rows[0] == ("command:vault", {"key": "k2", "rows": done})


async def test_a_value_that_does_not_open_stops_it_and_an_erased_person_does_not(town: Town) -> None:
    welder, other, (rotated, _) = await town.welder(), await town.welder(), both(town)
    regulator = await seat(town, "division_regulator")
    path = f"/api/v1/workers/{welder.id}/erase"
    assert (await town.http.post(path, json={"reason": "本人要求"}, headers=regulator)).status_code == 200
    assert (await vault_keys.seal_all(town.database.url("api"), rotated))["worker"] == 1
    town.database.rows("UPDATE weld.worker SET phone_sealed = identity_sealed WHERE id = %s", other.id)
    town.database.rows("UPDATE weld.worker SET name_sealed = %s WHERE id = %s", b"\x01\x02k1" + b"x" * 40, other.id)
    with pytest.raises(VaultError, match="does not open"):
        await vault_keys.seal_all(town.database.url("api"), rotated)


def test_rotating_adds_a_key_and_says_what_comes_next(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert vault_keys.rotate(tmp_path / "none") == 1
    Vault.create(tmp_path / "keys")
    assert vault_keys.rotate(tmp_path / "keys") == 0
    said = capsys.readouterr()
    assert said.out == "Vault(current='k2', keys=['k1', 'k2'])\n"
    assert "weldgate vault reseal" in said.err
