"""Authorities act on certificates and workers: with a reason, on record, undone where it was wrong, within their scope."""

from typing import Any
from uuid import UUID, uuid4

import httpx

from schemas import registers as shapes
from tests.api.town import GOOD, Town, Welder

CREDIT = "91410502MA00000072"


async def paper_of(town: Town, welder: Welder) -> UUID:
    found: UUID = town.database.rows("SELECT id FROM weld.certificate WHERE worker = %s", welder.id)[0][0]
    return found


async def act(
    town: Town, certificate: UUID, word: str, officer: dict[str, str], reason: str = "证书库核对"
) -> httpx.Response:
    words = {"act": word, "reason": reason}
    return await town.http.post(f"/api/v1/certificates/{certificate}/acts", json=words, headers=officer)


async def test_a_certificate_is_withdrawn_and_restored_with_reasons_on_record(town: Town) -> None:
    welder, code, officer = await town.welder(), await town.machine(), await town.officer("division:4105")
    paper = await paper_of(town, welder)
    answer = await act(town, paper, "suspend", officer, f"投诉 {welder.name}")
    assert (answer.status_code, answer.json()["registered"]) == (201, "suspended")
    assert (await town.unlock(welder, code)).json()["error"] == "certificate_suspended"
    assert (await act(town, paper, "revoke", officer)).json()["registered"] == "revoked"
    assert (await act(town, paper, "verify", officer)).json()["error"] == "already_ended"
    assert (await act(town, paper, "restore", officer)).json()["registered"] == "suspended"
    restored = (await act(town, paper, "restore", officer)).json()
    assert (restored["registered"], restored["worker"]) == ("verified", str(welder.id))
    assert [(one["act"], one["before"], one["after"]) for one in restored["acts"]] == [
        ("restore", "suspended", "verified"),
        ("restore", "revoked", "suspended"),
        ("revoke", "suspended", "revoked"),
        ("suspend", "verified", "suspended"),
    ]
    assert (await town.unlock(welder, code)).status_code == 201
    traces = town.database.rows(
        "SELECT action, subject, detail FROM weld.audit WHERE action LIKE 'certificate.%%' ORDER BY seq"
    )
    assert [(action, subject) for action, subject, _ in traces][:2] == [
        ("certificate.suspend", str(paper)),
        ("certificate.revoke", str(paper)),
    ]
    town.assert_nothing_personal(str(traces))  # reasons are not repeated there


async def test_verifying_is_a_look_into_the_register(town: Town) -> None:
    welder = await town.welder(papers=False)
    paper = await town.paper(welder, status="unverified")
    assert (await act(town, paper, "verify", await town.officer())).status_code == 201
    assert town.database.rows("SELECT status, checked_at IS NOT NULL FROM weld.certificate") == [("verified", True)]


async def test_who_may_not_act_changes_nothing(town: Town) -> None:
    welder = await town.welder(enterprise=CREDIT)
    paper = await paper_of(town, welder)
    worker = f"/api/v1/workers/{welder.id}"
    reason = {"reason": "x"}
    for officer, status in (
        (await town.officer("division:37"), 404),
        (await town.officer(rights=["workers:read", "registers:write"]), 403),
        (await town.officer(f"enterprise:{CREDIT}"), 403),
        (welder.bearer, 401),
        ({}, 401),
    ):
        assert (await act(town, paper, "suspect", officer)).status_code == status
        assert (await town.http.post(f"{worker}/restore", json=reason, headers=officer)).status_code == status
    assert (await act(town, uuid4(), "suspend", await town.officer())).status_code == 404
    assert town.database.rows("SELECT count(*) FROM weld.certificate_change") == [(0,)]
    history = await town.http.get(f"/api/v1/certificates/{paper}/acts", headers=await town.officer("division:37"))
    assert history.status_code == 404


async def test_an_enterprise_suspends_its_own_worker_and_an_authority_restores(town: Town) -> None:
    own, other, code = await town.welder(enterprise=CREDIT), await town.welder(), await town.machine()
    safety, authority = await town.officer(f"enterprise:{CREDIT}"), await town.officer("division:41")

    async def post(welder: Welder, word: str, officer: dict[str, str]) -> httpx.Response:
        return await town.http.post(f"/api/v1/workers/{welder.id}/{word}", json={"reason": "酒后"}, headers=officer)

    assert (await post(other, "suspend", safety)).status_code == 404
    assert (await post(own, "suspend", safety)).json() == {"id": str(own.id), "suspended_reason": "酒后"}
    assert (await post(own, "suspend", safety)).json()["error"] == "already_ended"
    assert (await town.unlock(own, code)).json()["error"] == "worker_suspended"
    assert (await post(own, "restore", safety)).status_code == 403
    assert (await post(own, "restore", authority)).json()["suspended_reason"] is None
    assert (await town.unlock(own, code)).status_code == 201
    actions = town.database.rows(
        "SELECT action FROM weld.audit WHERE action IN ('worker.suspended', 'worker.restored') ORDER BY seq"
    )
    assert actions == [("worker.suspended",), ("worker.restored",)]


async def entered(town: Town, welder: Welder, officer: dict[str, str], **words: Any) -> int:
    entry = GOOD | {"identity": welder.identity, "number": f"T{welder.identity}"} | words
    entry |= {"valid_from": "2025-01-01", "valid_to": "2030-12-31"}
    return (await town.http.post("/api/v1/registers/certificates", json=entry, headers=officer)).status_code


async def test_entering_a_withdrawn_certificate_again_does_not_make_it_good(town: Town) -> None:
    welder = await town.welder(enterprise=CREDIT)
    paper, officer = await paper_of(town, welder), await town.officer()
    await act(town, paper, "revoke", officer)
    assert await entered(town, welder, officer, status="verified") == 200
    assert town.database.rows("SELECT status FROM weld.certificate") == [("revoked",)]
    safety = await town.officer(f"enterprise:{CREDIT}")
    assert await entered(town, welder, safety, status="verified") == 403
    assert await entered(town, welder, safety, status="unverified") == 200
    assert town.database.rows("SELECT status FROM weld.certificate") == [("revoked",)]


async def test_the_buckets_count_what_is_in_scope(town: Town) -> None:
    await town.welder()
    welder = await town.welder(papers=False)
    await town.enter(
        "worker", shapes.Worker(name=welder.name, identity=welder.identity, phone=welder.phone, division="37")
    )
    await town.paper(welder, status="unverified")

    async def counted(scope: str, query: str = "") -> dict[str, int]:
        answer = await town.http.get(
            f"/api/v1/certificates/expiry{query}", headers=await town.officer(scope, ["workers:read"])
        )
        assert answer.status_code == 200, answer.text
        return {name: count for name, count in answer.json().items() if count}

    assert await counted("platform") == {"not_in_force": 1, "later": 1}
    assert await counted("platform", "?division=41") == {"later": 1}
    assert await counted("division:37") == {"not_in_force": 1}
    assert await counted("division:410502") == {"later": 1}
