"""What the OpenAPI document permits, and what it does not, from three roles: never an error of the server.

Schemathesis makes the requests; a part of them gets ids that exist, for behind an unknown id there is little to break.
"""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from uuid import UUID

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode

from api.openapi import document
from tests.api.staff import seat
from tests.api.town import Town

EACH = 4  # good ones and as many bad ones of a role to a route
STREAMS = {"GET /api/v1/live", "GET /api/v1/unlocks/{unlock}/events"}
# What would end the sign-in that all others need.
ENDS = {
    "DELETE /api/v1/sign-in",
    "DELETE /api/v1/me/sign-ins",
    "DELETE /api/v1/me/devices/{device}",
    "DELETE /api/v1/staff/sign-in",
    "DELETE /api/v1/staff/sign-ins",
    "DELETE /api/v1/staff/sign-ins/{sign_in}",
}


def cases() -> Iterator[Any]:
    """Requests to every route, good ones and bad ones, the same in each run."""
    for operation in schemathesis.openapi.from_dict(document()).get_all_operations():
        found: Any = operation.ok()  # type: ignore[union-attr]  # the document is right: tests/schemas
        if found.label not in STREAMS | ENDS:
            for mode in GenerationMode:
                yield from made(found, mode)


def made(operation: Any, mode: GenerationMode) -> list[Any]:
    """Some requests to one route; none where the document leaves no way to be wrong."""
    collected: list[Any] = []

    @settings(
        max_examples=EACH,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(mode))
    def collect(case: Any) -> None:
        collected.append(case)

    with suppress(Unsatisfiable):
        collect()
    return collected


@pytest.fixture(scope="module")
def requests() -> list[Any]:
    return list(cases())


async def there(town: Town) -> dict[str, str]:
    """Ids that exist, by the name that paths give them."""
    welder = await town.welder()
    machine = await town.machine()
    ids = {"worker": str(welder.id), "plate": machine}
    for name in ("certificate", "enterprise", "officer"):
        rows = town.database.rows(f"SELECT id FROM weld.{name} LIMIT 1")
        if rows and isinstance(rows[0][0], UUID | str):
            ids[name] = str(rows[0][0])
    return ids


async def say(town: Town, case: Any, known: dict[str, str], headers: dict[str, str]) -> httpx.Response:
    words = case.as_transport_kwargs(base_url=str(town.http.base_url))
    said = {key: value for key, value in words.items() if key in {"method", "params", "json", "data", "files"}}
    if isinstance(said.get("data"), bytes | str):
        said["content"] = said.pop("data")
    kept = {name: value for name, value in words["headers"].items() if name.lower() in {"content-type", "x-step-up"}}
    url = case.operation.path if known else words["url"]
    for name, value in (case.path_parameters or {}).items():
        url = url.replace(f"{{{name}}}", known.get(name, str(value)))
    return await town.http.request(url=httpx.URL(url), headers=kept | headers, **said)


@pytest.mark.parametrize("role", ["worker", "division_regulator", "key"])
async def test_no_request_that_can_be_made_breaks_the_server(town: Town, requests: list[Any], role: str) -> None:
    known = await there(town)
    match role:
        case "worker":
            headers = (await town.welder()).bearer
        case "key":
            headers = await town.officer()
        case _:
            headers = await seat(town, role)
    broken, answered = [], 0
    for number, case in enumerate(requests):
        answer = await say(town, case, known if number % 2 else {}, headers)
        answered += answer.status_code < 400
        if (
            answer.status_code >= 500 and case.operation.label != "GET /health/ready"
        ):  # which says so if the clock is off
            broken.append(f"{case.operation.label}: {answer.status_code} {answer.text[:200]}")
    assert answered > 20
    assert not broken, "\n".join(sorted(set(broken)))
