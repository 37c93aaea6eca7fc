"""The public page: true, and empty of people."""

import pytest

from api.paper.code import mark_of
from tests.api.town import Town
from weld.core import plate


async def test_anybody_can_verify_a_machine(town: Town) -> None:
    welder, code = await town.welder(), await town.machine()
    view = (await town.http.get(f"/api/v1/plates/{code}")).json()
    assert (view["registered"], view["model"], view["division"]) == (True, "ZX7-315", "文峰区")
    assert (view["state"], view["licensed_worker_on"], view["chipped"]) == ("locked", False, True)
    unlock = (await town.unlock(welder, code)).json()
    await town.contact_closes(unlock["id"], code)
    view = (await town.http.get(f"/api/v1/plates/{code}", headers={"Accept-Language": "en"})).json()
    assert (view["state"], view["licensed_worker_on"], view["division"]) == ("unlocked", True, "Wenfeng")
    town.hear(code, online=False)
    assert (await town.http.get(f"/api/v1/plates/{code}")).json()["state"] == "offline"


async def test_an_arc_without_a_licence_is_no_licensed_worker(town: Town) -> None:
    welder, code = await town.welder(), await town.machine()
    unlock = (await town.unlock(welder, code)).json()
    await town.contact_closes(unlock["id"], code)
    town.database.rows("UPDATE weld.session SET authorised = false")
    assert (await town.http.get(f"/api/v1/plates/{code}")).json()["licensed_worker_on"] is False


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("410502A0000000010", "plate_check_failed"),
        ("nonsense", "plate_check_failed"),
        (str(plate.make("410502", "A", 999)), "unknown_plate"),
    ],
)
async def test_a_plate_that_is_not_ours_is_not_found(town: Town, code: str, error: str) -> None:
    answer = await town.http.get(f"/api/v1/plates/{code}")
    assert (answer.status_code, answer.json()["error"]) == (404, error)


async def test_the_check_of_a_plate_says_whether_we_printed_it(town: Town) -> None:
    code, other = await town.machine(), await town.machine()
    ours, path = mark_of(town.database.vault, code), f"/api/v1/plates/{code}"
    assert (len(ours), ours) != (8, mark_of(town.database.vault, other))
    for query, printed in (
        ("", None),
        (f"?k={ours}", True),
        (f"?k={ours.lower()}", True),
        (f"?k={mark_of(town.database.vault, other)}", False),
        (f"?k={ours[:-1]}", False),
        ("?k=", False),
        ("?k=%E7%84%8A", False),
    ):
        view = await town.http.get(path + query)
        assert (view.status_code, view.json()["printed_by_us"]) == (200, printed), query
    assert (await town.http.get(f"{path}?k={'x' * 41}")).status_code == 422
