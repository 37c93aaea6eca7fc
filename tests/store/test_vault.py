"""What the vault keeps, and what it refuses."""

from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weld.store.vault import Vault, VaultError

ROW, OTHER_ROW = UUID(int=1), UUID(int=2)
OLD, NEW, INDEX = b"o" * 32, b"n" * 32, b"i" * 32
SECRET = "a text that nobody shall read"


def a_vault() -> Vault:
    return Vault("new", {"old": OLD, "new": NEW}, INDEX)


@given(st.text(), st.uuids(), st.sampled_from(["worker.name", "worker.phone"]))
def test_what_was_sealed_opens_again(text: str, row: UUID, field: str) -> None:
    assert a_vault().open(field, row, a_vault().seal(field, row, text)) == text


def test_the_same_text_is_never_sealed_to_the_same_bytes_twice() -> None:
    vault = a_vault()
    assert vault.seal("worker.name", ROW, SECRET) != vault.seal("worker.name", ROW, SECRET)


def test_a_value_copied_to_another_row_or_field_does_not_open() -> None:
    vault = a_vault()
    sealed = vault.seal("worker.name", ROW, SECRET)
    for field, row in (("worker.name", OTHER_ROW), ("worker.phone", ROW)):
        with pytest.raises(VaultError, match=rf"{field}: does not open"):
            vault.open(field, row, sealed)


@given(st.data())
def test_any_changed_byte_is_noticed_and_the_content_stays_out_of_the_error(data: st.DataObject) -> None:
    vault = a_vault()
    sealed = bytearray(vault.seal("worker.name", ROW, SECRET))
    place = data.draw(st.integers(0, len(sealed) - 1))
    sealed[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(VaultError, match=r"^worker\.name: ") as caught:
        vault.open("worker.name", ROW, bytes(sealed))
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("sealed", [b"", b"\x01", b"\x01\x03", b"\x01\x03new", b"\x01\xffnew", b"\x02\x03new"])
def test_a_stump_is_refused(sealed: bytes) -> None:
    with pytest.raises(VaultError):
        a_vault().open("worker.name", ROW, sealed)


def test_after_a_rotation_the_old_values_open_and_the_new_ones_use_the_new_key() -> None:
    before = Vault("old", {"old": OLD}, INDEX)
    sealed = before.seal("worker.name", ROW, SECRET)
    after = a_vault()
    assert after.open("worker.name", ROW, sealed) == SECRET
    assert not after.is_current("worker.name", sealed)
    fresh = after.seal("worker.name", ROW, SECRET)
    assert after.is_current("worker.name", fresh)
    with pytest.raises(VaultError, match="a key that this installation does not have"):
        before.open("worker.name", ROW, fresh)


def test_the_index_finds_the_same_value_however_it_was_written() -> None:
    vault = a_vault()
    assert vault.index("worker.identity", "11010519491231002x") == vault.index(
        "worker.identity", " １１0105 19491231002X "
    )
    assert vault.index("worker.identity", "1") != vault.index("worker.identity", "2")
    assert vault.index("worker.identity", "1") != vault.index("worker.phone", "1")
    assert vault.index("worker.identity", "1") != Vault("new", {"new": NEW}, OLD).index("worker.identity", "1")


def test_a_vault_shows_no_key() -> None:
    assert repr(a_vault()) == "Vault(current='new', keys=['new', 'old'])"


def test_created_keys_load_again_and_are_for_their_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "keys"
    sealed = Vault.create(folder).seal("worker.name", ROW, SECRET)
    assert Vault.load(folder).open("worker.name", ROW, sealed) == SECRET
    assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700
    assert [entry.name for entry in folder.parent.iterdir()] == ["keys"]


def test_keys_are_never_overwritten(tmp_path: Path) -> None:
    vault = Vault.create(tmp_path / "keys")
    index = vault.index("worker.identity", "1")
    with pytest.raises(VaultError, match="no new keys"):
        Vault.create(tmp_path / "keys")
    assert Vault.load(tmp_path / "keys").index("worker.identity", "1") == index


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
@pytest.mark.parametrize("name", ["seal-k1.key", "index.key", "current"])
def test_a_key_file_that_others_can_reach_is_refused(tmp_path: Path, name: str, mode: int) -> None:
    Vault.create(tmp_path / "keys")
    (tmp_path / "keys" / name).chmod(mode)
    with pytest.raises(VaultError, match="others may read it"):
        Vault.load(tmp_path / "keys")


@pytest.mark.parametrize("name", ["seal-k1.key", "index.key", "current"])
def test_a_missing_or_damaged_key_file_is_named_and_not_shown(tmp_path: Path, name: str) -> None:
    Vault.create(tmp_path / "keys")
    (tmp_path / "keys" / name).write_text("c0ffee zz")
    with pytest.raises(VaultError) as damaged:
        Vault.load(tmp_path / "keys")
    (tmp_path / "keys" / name).unlink()
    with pytest.raises(VaultError):
        Vault.load(tmp_path / "keys")
    assert name == "current" or "c0ffee" not in str(damaged.value)


def test_rotating_a_folder_adds_a_key_and_keeps_the_old_ones(tmp_path: Path) -> None:
    first = Vault.create(tmp_path / "keys")
    sealed = first.seal("worker.name", ROW, SECRET)
    for _ in range(2):
        second = Vault.rotate(tmp_path / "keys")
    assert repr(second) == "Vault(current='k3', keys=['k1', 'k2', 'k3'])"
    assert second.open("worker.name", ROW, sealed) == SECRET
    assert second.index("worker.name", SECRET) == first.index("worker.name", SECRET)
