"""The registers: what `weldgate seed` enters, what entering again does, and what is refused."""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import psycopg
import pytest

from api.registers import PUTS, Desk, Entered, Kind, RegisterError
from schemas import registers as shapes
from tests.database import Database
from weld.cli.seed import SeedError, Summary, seed
from weld.cli.seed_file import MODELS
from weld.cli.seeding import told
from weld.core import access, certificate, password, secret
from weld.store import fields
from weld.store.connect import pool, scoped
from weld.store.vault import Vault

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "seed-anyang.yaml"
NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
LATER = datetime(2026, 2, 5, 8, 0, tzinfo=UTC)
VAULT = Vault("k1", {"k1": b"k" * 32}, b"i" * 32)
NEWER_VAULT = Vault("k2", {"k1": b"k" * 32, "k2": b"n" * 32}, b"i" * 32)

PERSONAL = ("410502199001010014", "19900000001", "张示例", "T410502199001010014")


async def seeded(database: Database, path: Path = EXAMPLE, now: datetime = NOW, vault: Vault = VAULT) -> Summary:
    return await seed(path, database.url("api"), vault, now=now, say=lambda _: None)


async def refused(database: Database, path: Path) -> list[str]:
    with pytest.raises(SeedError) as caught:
        await seeded(database, path)
    return caught.value.faults


def a_file(folder: Path, text: str) -> Path:
    path = folder / "seed.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def everything(database: Database) -> list[tuple[object, ...]]:
    tables = (
        "division",
        "enterprise",
        "chip",
        "machine",
        "binding",
        "worker",
        "certificate",
        "endpoint",
        "officer_key",
        "officer",
    )
    return [row for table in tables for row in database.rows(f"SELECT * FROM weld.{table} AS t ORDER BY t")]


async def test_the_example_is_entered_and_entering_it_again_changes_nothing(database: Database) -> None:
    first = await seeded(database)
    assert first.counts == {
        "division": Counter(created=5),
        "enterprise": Counter(created=1),
        "chip": Counter(created=2),
        "machine": Counter(created=2),
        "worker": Counter(created=3),
        "certificate": Counter(created=3),
        "endpoint": Counter(created=2),
        "officer_key": Counter(created=1),
    }
    before = everything(database)
    again = await seeded(database, now=LATER)
    assert {outcome for count in again.counts.values() for outcome in count} == {"unchanged"}
    assert again.secrets == []
    assert everything(database) == before


async def test_a_changed_entry_is_updated_and_the_others_are_not(database: Database, tmp_path: Path) -> None:
    await seeded(database)
    text = EXAMPLE.read_text(encoding="utf-8").replace("rated_a: 315", "rated_a: 320").replace("王虚构", "王更名")
    again = await seeded(database, a_file(tmp_path, text), now=LATER)
    assert again.counts["machine"] == Counter(updated=1, unchanged=1)
    assert again.counts["worker"] == Counter(updated=1, unchanged=2)
    assert set(again.counts["chip"]) == set(again.counts["certificate"]) == {"unchanged"}
    assert database.rows("SELECT rated_a FROM weld.machine WHERE plate = '410502A000000001H'") == [(320.0,)]


async def test_nothing_personal_and_no_secret_stands_in_the_tables_in_clear(database: Database) -> None:
    made = await seeded(database)
    assert [entry.name for entry in made.secrets] == ["文峰区执法队", "安阳市指挥中心", "安阳市值班"]
    dump = repr(everything(database))
    for text in (*PERSONAL, *(entry.secret for entry in made.secrets if entry.secret)):
        assert text not in dump
        assert repr(text.encode())[2:-1] not in dump


async def test_what_was_sealed_is_found_by_its_index_and_opens_with_the_vault(database: Database) -> None:
    made = await seeded(database)
    index = VAULT.index(fields.WORKER_PHONE, "+86 199 0000 0001".replace("+86", ""))
    [(worker, name)] = database.rows("SELECT id, name_sealed FROM weld.worker WHERE phone_index = %s", index)
    assert VAULT.open(fields.WORKER_NAME, worker, name) == "张示例"
    [(endpoint, sealed)] = database.rows("SELECT id, secret_sealed FROM weld.endpoint WHERE name = '文峰区执法队'")
    assert VAULT.open(fields.ENDPOINT_SECRET, endpoint, sealed) == made.secrets[0].secret
    assert secret.webhook_secret_fault(made.secrets[0].secret or "") is None
    assert database.rows("SELECT key_hash, scope FROM weld.officer_key") == [
        (secret.key_hash(made.secrets[2].secret or ""), "division:41/4105")
    ]


async def test_after_a_rotation_of_keys_the_next_seeding_seals_again(database: Database) -> None:
    await seeded(database)
    again = await seeded(database, vault=NEWER_VAULT)
    assert again.counts["worker"] == Counter(updated=3)
    assert again.counts["certificate"] == Counter(updated=3)
    assert again.counts["endpoint"] == Counter(updated=2)
    [(row, sealed)] = database.rows("SELECT id, phone_sealed FROM weld.worker LIMIT 1")
    assert NEWER_VAULT.is_current(fields.WORKER_PHONE, sealed)
    assert NEWER_VAULT.open(fields.WORKER_PHONE, row, sealed).startswith("199")


async def test_the_summary_is_a_table_without_secrets(database: Database) -> None:
    summary = await seeded(database)
    assert summary.table().splitlines()[0].split() == ["created", "updated", "unchanged"]
    assert summary.table().splitlines()[-1].split() == ["officer", "key", "1", "0", "0"]
    assert "whsec_" not in summary.table() + repr(summary)


async def test_a_given_secret_is_kept_and_not_shown(database: Database, tmp_path: Path) -> None:
    text = EXAMPLE.read_text(encoding="utf-8").replace(
        "    scope: division:4105", f"    secret: {'throw-away-' * 4}\n    scope: platform"
    )
    summary = await seeded(database, a_file(tmp_path, text))
    assert {entry.kind for entry in summary.secrets} == {"endpoint"}
    assert database.rows("SELECT key_hash FROM weld.officer_key") == [(secret.key_hash("throw-away-" * 4),)]


OFFICERS = """
divisions: [{code: "41", name_zh: 河南, name_en: Henan}]
officers:
  - {login: chen, name: 陈样例, scope: "division:41", roles: [inspector]}
  - {login: li, name: 李样例, scope: platform, roles: [division_regulator], password: a long password}
"""


async def test_what_an_officer_lacks_of_password_and_second_factor_is_made_and_told_once(
    database: Database, tmp_path: Path
) -> None:
    summary = await seeded(database, a_file(tmp_path, OFFICERS))
    made = summary.secrets
    assert [(one.kind, one.name, one.secret is None) for one in made] == [
        ("officer", "chen", False),
        ("officer", "li", True),
    ]
    chen, li = (told(one) for one in made)
    assert list(chen) == ["kind", "name", "secret", "totp_secret", "totp_uri"]
    assert list(li) == ["kind", "name", "totp_secret", "totp_uri"]
    assert chen["totp_uri"].startswith("otpauth://totp/")
    assert f"secret={chen['totp_secret']}" in chen["totp_uri"]
    rows = database.rows(
        "SELECT id, password_hash, totp_sealed, scope FROM weld.officer JOIN weld.officer_now USING (id) ORDER BY officer.login"
    )
    assert password.fits(rows[0][1], chen["secret"])
    assert password.fits(rows[1][1], "a long password")
    assert VAULT.open(fields.OFFICER_TOTP, rows[0][0], rows[0][2]) == chen["totp_secret"]
    assert [row[3] for row in rows] == ["division:41", "platform"]
    again = await seeded(database, a_file(tmp_path, OFFICERS), now=LATER)
    assert (again.counts["officer"], again.secrets) == (Counter(unchanged=2), [])
    assert chen["secret"] not in repr(summary) + summary.table()


async def test_after_a_rotation_of_keys_a_second_factor_is_sealed_again_and_nobody_is_signed_out(
    database: Database, tmp_path: Path
) -> None:
    [chen, _] = (await seeded(database, a_file(tmp_path, OFFICERS))).secrets
    again = await seeded(database, a_file(tmp_path, OFFICERS), vault=NEWER_VAULT)
    assert (again.counts["officer"], again.secrets) == (Counter(updated=2), [])
    [(row, sealed)] = database.rows("SELECT id, totp_sealed FROM weld.officer WHERE login = 'chen'")
    assert NEWER_VAULT.is_current(fields.OFFICER_TOTP, sealed)
    assert NEWER_VAULT.open(fields.OFFICER_TOTP, row, sealed) == chen.totp_secret


WRONG = """
divisions:
  - {code: "41", name_zh: 河南, name_en: Henan}
  - {code: 4105, name_zh: 安阳, name_en: Anyang, parent: "41"}
  - {code: "42", name_zh: 湖北, name_en: Hubei, zone: Mars/Olympus}
enterprises:
  - {name: 甲, credit_code: 91410502MA00000073, division: "41"}
  - {name: 乙, credit_code: 91410502MA00000072, division: "4105"}
  - {name: 丙, credit_code: 914105000000000E5A, division: "99"}
chips:
  - {chip: WG0000000001, model: x, shard: "ff"}
  - {chip: WG0000000001, model: x}
machines:
  - {plate: 410502A00000001H0, division: "41", maker: x, model: x, serial: x, chip: WG0000000009}
  - {division: "41", maker: x, model: x, serial: x}
  - {plate: 410502A000000001H, division: "41", maker: x, model: x, serial: x, colour: red, rated_a: -1}
workers:
  - {name: 张三, identity: "410502199001010015", phone: "19900000001", division: "41"}
  - {name: 李四, identity: "410502198505050023", phone: "1990000000", division: "41"}
certificates:
  - {kind: operation, identity: "410502198505050023", number: T410502198505050023, category: x, item: x,
     valid_from: 2026-01-01, valid_to: 2025-01-01, issuer: x}
  - {kind: operation, identity: "410522197808080036", number: T410522197808080036, category: x, item: x,
     valid_from: 2025-01-01, valid_to: 2026-01-01, issuer: x}
endpoints:
  - {name: a, url: "https://u:p@h.example/", division: "41", codes: [Z99]}
  - {name: b, url: "ftp://h.example/", division: "41", codes: [A07], secret: short}
officer_keys:
  - {name: a, scope: "division:77", rights: [], expires_at: 2030-01-01T00:00:00}
officers:
  - {login: a.b, name: x, scope: "division:77", roles: [inspector, audit_administrator]}
  - {login: a.b, name: x, scope: platform, roles: [duty_officer]}
  - {login: c.d, name: x, scope: platform, roles: [coffee_maker], password: short}
gadgets: []
"""


async def test_everything_that_is_wrong_is_said_at_once_with_its_place_and_nothing_is_entered(
    database: Database, tmp_path: Path
) -> None:
    faults = await refused(database, a_file(tmp_path, WRONG))
    assert everything(database) == []
    told = {tuple(fault.split(": ")[:2]): fault for fault in faults}
    assert set(told) == {
        ("divisions, entry 2 (line 4)", "code"),
        ("divisions, entry 3 (line 5)", "zone"),
        ("enterprises, entry 1 (line 7)", "credit_code"),
        ("enterprises, entry 3 (line 9)", "division"),
        ("chips, entry 1 (line 11)", "shard"),
        ("chips, entry 2 (line 12)", "the same chip as chips, entry 1 (line 11)"),
        ("machines, entry 1 (line 14)", "plate"),
        ("machines, entry 1 (line 14)", "chip"),
        ("machines, entry 2 (line 15)", "give either plate or plate_from"),
        ("machines, entry 3 (line 16)", "colour"),
        ("machines, entry 3 (line 16)", "rated_a"),
        ("workers, entry 1 (line 18)", "identity"),
        ("workers, entry 2 (line 19)", "phone"),
        ("certificates, entry 1 (line 21)", "valid_to lies before valid_from"),
        ("certificates, entry 2 (line 23)", "identity"),
        ("endpoints, entry 1 (line 26)", "codes.0"),
        ("endpoints, entry 2 (line 27)", "url"),
        ("endpoints, entry 2 (line 27)", "secret"),
        ("endpoints, entry 2 (line 27)", "codes"),
        ("officer_keys, entry 1 (line 29)", "rights"),
        ("officer_keys, entry 1 (line 29)", "expires_at"),
        ("officers, entry 1 (line 31)", "scope"),
        ("officers, entry 1 (line 31)", "roles"),
        ("officers, entry 2 (line 32)", "the same officer as officers, entry 1 (line 31)"),
        ("officers, entry 3 (line 33)", "roles.0"),
        ("officers, entry 3 (line 33)", "password"),
        (
            "gadgets",
            "unknown; a seed file has " + ", ".join(MODELS),
        ),
    }
    assert "character 18" in told["workers, entry 1 (line 18)", "identity"]
    assert "quotes" in told["divisions, entry 2 (line 4)", "code"]
    for personal in ("410502199001010015", "19900000001", "张三", "410522197808080036"):
        assert personal not in "\n".join(faults)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("divisions: [", "cannot be read: line 2"),
        ("just text", "must hold lists"),
        ("divisions: 7", "divisions: must be a list"),
        ("divisions: [7]", "entry 1 (line 1): must have named fields"),
        ("divisions: [{? [a, b] : c}]", "cannot be read: line 1: found unhashable key"),
        ("divisions: [{? !!binary aGk= : c}]", "fields are words"),
        ("divisions: [{code: !!binary aGk=}]", "fields are words"),
    ],
)
async def test_a_file_of_another_form_is_refused(database: Database, tmp_path: Path, text: str, fault: str) -> None:
    [told] = await refused(database, a_file(tmp_path, text))
    assert fault in told


async def test_a_file_that_is_not_there_is_named(database: Database, tmp_path: Path) -> None:
    assert await refused(database, tmp_path / "none.yaml") == [
        f"{tmp_path / 'none.yaml'}: cannot be read: No such file or directory"
    ]


async def test_a_json_file_does_as_well(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "seed.json"
    path.write_text('{"divisions": [{"code": "41", "name_zh": "河南省", "name_en": "Henan"}]}', encoding="utf-8")
    assert (await seeded(database, path)).counts == {"division": Counter(created=1)}


async def test_divisions_may_stand_in_any_order(database: Database, tmp_path: Path) -> None:
    text = """
divisions:
  - {code: "410502", name_zh: 文峰区, name_en: Wenfeng, parent: "4105"}
  - {code: "4105", name_zh: 安阳市, name_en: Anyang, parent: "41"}
  - {code: "41", name_zh: 河南省, name_en: Henan}
"""
    await seeded(database, a_file(tmp_path, text))
    assert database.rows("SELECT path FROM weld.division ORDER BY path") == [
        ("41",),
        ("41/4105",),
        ("41/4105/410502",),
    ]


async def test_a_chip_that_moves_leaves_its_history_behind(database: Database, tmp_path: Path) -> None:
    await seeded(database)
    text = EXAMPLE.read_text(encoding="utf-8")
    swapped = text.replace("chip: WG0000000001 # from", "# chip").replace(
        "chip: WG0000000002\n", "chip: WG0000000001\n"
    )
    again = await seeded(database, a_file(tmp_path, swapped), now=LATER)
    assert again.counts["machine"] == Counter(updated=1, unchanged=1)
    assert database.rows("SELECT chip, plate, since, until FROM weld.binding ORDER BY since, chip") == [
        ("WG0000000001", "410502A000000001H", NOW, LATER),
        ("WG0000000002", "410502B000000002R", NOW, LATER),
        ("WG0000000001", "410502B000000002R", LATER, None),
    ]
    assert database.rows("SELECT plate, chip FROM weld.machine ORDER BY plate") == [
        ("410502A000000001H", None),
        ("410502B000000002R", "WG0000000001"),
    ]


async def test_the_shard_of_a_chip_and_the_parent_of_a_division_are_for_life(
    database: Database, tmp_path: Path
) -> None:
    await seeded(database)
    text = (
        EXAMPLE.read_text(encoding="utf-8")
        .replace('shard: "00"', 'shard: "01"')
        .replace('Wenfeng, parent: "4105"', 'Wenfeng, parent: "41"')
    )
    faults = await refused(database, a_file(tmp_path, text))
    assert ["shard: is 00 for life" in faults[1], "parent: is 4105 for life" in faults[0]] == [True, True]
    assert len(faults) == 2


async def entered(database: Database, scope: str, entry: shapes.Shape, shards: int = 64) -> Entered:
    kinds: dict[type[shapes.Shape], Kind] = {
        shapes.Chip: "chip",
        shapes.Enterprise: "enterprise",
        shapes.Machine: "machine",
    }
    async with pool(database.url("api"), "test", size=1) as connections, scoped(connections, scope) as conn:
        return await PUTS[kinds[type(entry)]](conn, Desk(VAULT, NOW, shards), entry)


async def test_a_derived_shard_stays_when_the_number_of_shards_changes(database: Database) -> None:
    entry = shapes.Chip(chip="WG00000000A7", model="x")
    await entered(database, "platform", entry, shards=64)
    assert (await entered(database, "platform", entry, shards=4)).outcome == "unchanged"


async def test_an_officer_of_one_district_cannot_enter_into_another(database: Database) -> None:
    await seeded(database)
    entry = shapes.Machine(plate="410522A000000003X", division="410502", maker="x", model="x", serial="x")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await entered(database, "division:41/4105/410522", entry)
    assert (await entered(database, "division:41/4105/410502", entry)).outcome == "created"


async def test_an_enterprise_out_of_sight_cannot_be_entered_again(database: Database) -> None:
    await seeded(database)
    entry = shapes.Enterprise(name="x", credit_code="91410502MA00000072", division="410522")
    with pytest.raises(psycopg.errors.UniqueViolation):
        await entered(database, "division:41/4105/410522", entry)


async def test_errors_of_an_entry_name_the_fields_and_all_of_them(database: Database) -> None:
    entry = shapes.Enterprise(name="x", credit_code="91410502MA00000073", division="41")
    with pytest.raises(RegisterError, match=r"credit_code: character 18.*division: there is no division 41"):
        await entered(database, "platform", entry)


async def test_a_phone_of_another_worker_is_refused(database: Database, tmp_path: Path) -> None:
    await seeded(database)
    text = 'workers: [{name: 赵新, identity: "41050219880229004X", phone: "19900000001", division: "410502"}]'
    assert await refused(database, a_file(tmp_path, text)) == [
        "workers, entry 1 (line 1): phone: belongs to another worker: give that one another phone first"
    ]


def test_the_closed_lists_of_the_wire_are_those_of_the_rules() -> None:
    def choices(shape: type[shapes.Shape], field: str) -> set[object]:
        return set(get_args(shape.model_fields[field].annotation))

    assert choices(shapes.Certificate, "kind") == set(get_args(certificate.Kind))
    assert choices(shapes.Certificate, "status") == set(get_args(certificate.Registered))
    assert choices(shapes.Machine, "work") == set(get_args(certificate.Work))
    assert choices(shapes.Machine, "presence") == set(get_args(access.Presence))
