"""The registers over HTTP: who may enter what, and what a wrong entry is told."""

import json
from typing import Any

import httpx
import pytest

from api.registers import RegisterError
from schemas import registers as shapes
from tests.api.town import Town

MACHINE = {
    "plate": "410502A000000001H",
    "division": "410502",
    "maker": "样例",
    "model": "ZX7-315",
    "serial": "1",
}
WORKER = {
    "name": "张示例",
    "identity": "410502199001010014",
    "phone": "19900000001",
    "division": "410502",
}
ENDPOINT = {"name": "执法队", "url": "https://hooks.example.cn/", "division": "410502"}
KEY = {
    "name": "值班",
    "scope": "division:4105",
    "rights": ["alerts:read"],
    "expires_at": "2099-01-01T00:00:00+08:00",
}

OFFICER: dict[str, Any] = {"login": "li", "name": "李样例", "scope": "division:4105", "roles": ["inspector"]}


async def entered(town: Town, kind: str, entry: dict[str, Any], officer: dict[str, str]) -> httpx.Response:
    return await town.http.post(f"/api/v1/registers/{kind}", json=entry, headers=officer)


async def test_an_entry_is_created_then_unchanged_then_updated_and_audited(town: Town) -> None:
    officer = await town.officer()
    first = await entered(town, "machines", MACHINE, officer)
    again = await entered(town, "machines", MACHINE, officer)
    changed = await entered(town, "machines", MACHINE | {"rated_a": 315}, officer)
    assert [(answer.status_code, answer.json()["outcome"]) for answer in (first, again, changed)] == [
        (201, "created"),
        (200, "unchanged"),
        (200, "updated"),
    ]
    assert town.database.rows("SELECT action, subject FROM weld.audit ORDER BY seq") == [
        ("register.machine", "410502A000000001H"),
        ("register.machine", "410502A000000001H"),
    ]


async def test_a_worker_is_entered_without_a_personal_word_in_the_answer_and_the_audit(town: Town) -> None:
    answer = await entered(town, "workers", WORKER, await town.officer())
    assert answer.status_code == 201
    audit = repr(town.database.rows("SELECT * FROM weld.audit"))
    for personal in (WORKER["name"], WORKER["identity"], WORKER["phone"]):
        assert personal not in answer.text + audit
    paper = {
        "kind": "operation",
        "identity": WORKER["identity"],
        "number": f"T{WORKER['identity']}",
        "category": "焊接与热切割作业",
        "item": "熔化焊接与热切割作业",
        "valid_from": "2025-01-01",
        "valid_to": "2030-12-31",
        "issuer": "样例",
    }
    assert (await entered(town, "certificates", paper, await town.officer())).status_code == 201


async def test_what_is_wrong_is_told_by_field_and_never_repeated(town: Town) -> None:
    entry = WORKER | {"identity": "410502199001010015", "phone": "123", "division": "99"}
    officer = await town.officer()
    for language, told in (
        ("en", ("identity: character 18", "phone: 11 characters", "division: there is no division 99")),
        ("zh-CN", ("identity: 位置 18", "phone: 应有 11 位", "division: 没有区划 99")),
    ):
        answer = await entered(town, "workers", entry, officer | {"Accept-Language": language})
        assert (answer.status_code, answer.json()["error"]) == (422, "bad_request")
        assert [words for words in told if words not in answer.json()["detail"]] == []
    assert "410502199001010015" not in answer.text
    shapeless = await entered(town, "workers", WORKER | {"identity": 410502199001010015}, await town.officer())
    assert shapeless.status_code == 422
    assert "410502199001010015" not in shapeless.text


async def test_a_made_secret_is_answered_once(town: Town) -> None:
    officer = await town.officer()
    first = await entered(town, "endpoints", ENDPOINT, officer)
    again = await entered(town, "endpoints", ENDPOINT, officer)
    assert first.json()["secret"].startswith("whsec_")
    assert again.json()["secret"] is None


async def test_a_new_key_opens_what_it_was_given_and_no_more(town: Town) -> None:
    made = await town.enter("officer_key", shapes.OfficerKey.model_validate_json(json.dumps(KEY)))
    bearer = {"Authorization": f"Bearer {made.secret}"}
    assert (await town.http.get("/api/v1/alerts", headers=bearer)).status_code == 200
    assert (await entered(town, "machines", MACHINE, bearer)).status_code == 403


async def test_a_right_that_no_route_asks_for_is_refused(town: Town) -> None:
    words = {"rights": ["alerts:read", "coffee:make"]}
    key = shapes.OfficerKey.model_validate_json(json.dumps(KEY | words))
    with pytest.raises(RegisterError, match="rights: coffee:make is no right of this version"):
        await town.enter("officer_key", key)
    beyond = shapes.OfficerKey.model_validate_json(json.dumps(KEY | {"rights": ["roles:grant"]}))
    with pytest.raises(RegisterError, match="no key holds roles:grant"):
        await town.enter("officer_key", beyond)


async def test_an_officers_account_is_created_unchanged_updated_and_its_secrets_told_once(town: Town) -> None:
    entries = (OFFICER, OFFICER, OFFICER | {"name": "李更名"}, OFFICER | {"roles": ["duty_officer"]}, OFFICER)
    made, *others = [await town.enter("officer", shapes.Officer(**entry)) for entry in entries]
    assert [one.outcome for one in (made, *others)] == ["created", "unchanged", *["updated"] * 3]
    assert (made.name, len(made.secret), len(made.totp_secret)) == ("li", 27, 32)
    assert {(one.secret, one.totp_secret) for one in others} == {(None, None)}
    assert town.database.rows("SELECT scope, roles, disabled_at FROM weld.officer_now") == [
        ("division:41/4105", ["inspector"], None)
    ]


async def test_given_secrets_of_an_officer_are_kept_and_not_told(town: Town) -> None:
    given = OFFICER | {"password": "a long password", "totp_secret": "A" * 32}
    entries = (given, given, given | {"password": "another password"})
    outcomes = [await town.enter("officer", shapes.Officer(**entry)) for entry in entries]
    assert [(one.outcome, one.secret, one.totp_secret) for one in outcomes] == [
        ("created", None, None),
        ("unchanged", None, None),
        ("updated", None, None),
    ]


@pytest.mark.parametrize("kind", ["officers", "officer-keys"])
async def test_accounts_and_keys_are_no_registers(town: Town, kind: str) -> None:
    answer = await entered(town, kind, OFFICER, await town.officer())
    assert answer.status_code in {404, 405}  # 405: the screens are read at any other address
    assert town.database.rows("SELECT count(*) FROM weld.officer") == [(0,)]


@pytest.mark.parametrize(
    ("kind", "entry"),
    [
        ("chips", {"chip": "WG00000000A1", "model": "x"}),
    ],
)
async def test_what_has_no_place_takes_the_scope_of_the_platform(town: Town, kind: str, entry: dict[str, Any]) -> None:
    local = await town.officer(scope="division:41")
    assert (await entered(town, kind, entry, local)).status_code == 403
    assert (await entered(town, kind, entry, await town.officer())).status_code == 201


async def test_an_officer_enters_in_his_own_division_only(town: Town) -> None:
    shandong = await town.officer(scope="division:37")
    assert (await entered(town, "machines", MACHINE, shandong)).status_code == 403
    assert (await entered(town, "workers", WORKER, shandong)).status_code == 403
    assert (await entered(town, "endpoints", ENDPOINT, shandong)).status_code == 403
    assert (await entered(town, "machines", MACHINE | {"division": "37"}, shandong)).status_code == 201
    # and what another has entered stays as it is
    henan = await town.officer(scope="division:41")
    assert (await entered(town, "machines", MACHINE | {"maker": "another"}, henan)).status_code == 403
    assert town.database.rows("SELECT maker, division FROM weld.machine") == [("样例", "37")]


async def test_without_the_right_or_a_key_nothing_is_entered(town: Town) -> None:
    reader = await town.officer(rights=["machines:read"])
    assert (await entered(town, "machines", MACHINE, reader)).status_code == 403
    assert (await entered(town, "machines", MACHINE, {})).status_code == 401
    assert town.database.rows("SELECT count(*) FROM weld.machine") == [(0,)]
