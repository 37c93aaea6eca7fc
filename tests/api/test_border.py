"""What holds for every request: shape of errors, headers, limits, numbers in the log."""

import json
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

import pytest
from structlog.testing import capture_logs

from api.openapi import document
from api.problems import language_of
from schemas import desk, http
from tests.api.town import Town
from weld.core import plate


async def test_every_answer_carries_its_number_and_the_headers(town: Town) -> None:
    for path in ("/health/live", "/api/v1/plates/x", "/api/v1/nothing", "/nothing.js", "/api/v1/me"):
        answer = await town.http.get(path)
        assert UUID(answer.headers["x-request-id"]).version == 7
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        assert "access-control-allow-origin" not in answer.headers
        assert "server" not in answer.headers
        if answer.status_code >= 400:
            assert answer.json()["request_id"] == answer.headers["x-request-id"]


async def test_another_origin_gets_no_leave_and_there_is_no_documentation_page(town: Town) -> None:
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    answer = await town.http.options("/api/v1/unlocks", headers=asked)
    assert "access-control-allow-origin" not in answer.headers
    for path in ("/api/docs", "/api/v1/openapi.json", "/openapi.json", "/health/metrics"):
        assert (await town.http.get(path)).status_code == 404
    for path in ("/docs", "/redoc", "/metrics"):  # a screen's own business, which knows no such page
        assert not {"swagger", "redoc", "weldgate_"} & set((await town.http.get(path)).text.lower().split())


async def test_a_log_line_names_route_and_number_and_no_ids(town: Town) -> None:
    code = await town.machine()
    with capture_logs() as lines:
        answer = await town.http.get(f"/api/v1/plates/{code}?x=13800000001")
    line = next(line for line in lines if line["event"] == "request")
    assert (line["method"], line["route"], line["status"]) == ("GET", "/plates/{plate}", 200)
    assert code not in json.dumps(lines, default=str)
    assert "13800000001" not in json.dumps(lines, default=str)
    assert answer.status_code == 200


@pytest.mark.parametrize("declared", [True, False])
async def test_a_body_above_64_kib_is_refused(town: Town, *, declared: bool) -> None:
    large = b'{"phone": "' + b"1" * 70_000 + b'"}'

    async def in_pieces() -> Any:
        for start in range(0, len(large), 8192):
            yield large[start : start + 8192]

    body = large if declared else in_pieces()
    answer = await town.http.post("/api/v1/sign-in/codes", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["error"]) == (413, "bad_request")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'{"phone": 13800000001}',
        b'{"phone": "13800000001", "extra": 1}',
        b'{"phone": null}',
        b'{"phone": NaN}',
        b'{"phone": "1380000\\u00001"}',
        b"\xff\xfe",
        b"[" * 5000,
    ],
)
async def test_what_is_not_well_formed_is_422_without_an_echo(town: Town, body: bytes) -> None:
    answer = await town.http.post("/api/v1/sign-in/codes", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["error"]) == (422, "bad_request"), answer.text
    assert "13800000001" not in answer.text


async def test_a_wrong_method_and_a_wrong_path_have_the_same_shape(town: Town) -> None:
    wrong = await town.http.put("/api/v1/unlocks")
    assert (wrong.status_code, wrong.json()["error"]) == (405, "bad_request")
    nowhere = await town.http.get("/api/v1/nowhere")
    assert (nowhere.status_code, nowhere.json()["error"]) == (404, "not_found")


async def test_an_unexpected_error_tells_its_number_and_nothing_else(town: Town) -> None:
    welder, code = await town.welder(), await town.machine()
    town.database.rows("UPDATE weld.worker SET identity_sealed = '\\x00'")  # a value that does not open
    with capture_logs() as lines:
        answer = await town.unlock(welder, code)
    problem = answer.json()
    assert (answer.status_code, problem["error"]) == (500, "internal_error")
    assert "sealed" not in answer.text
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert any(line["event"] == "request_failed" for line in lines)


async def test_without_the_database_the_phone_hears_that_it_is_not_its_fault(town: Town) -> None:
    welder, code = await town.welder(), await town.machine()
    town.database.rows("REVOKE CONNECT ON DATABASE " + town.database.name + f" FROM {town.database.name}_api")
    town.database.rows(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", f"{town.database.name}_api"
    )
    answer = await town.unlock(welder, code)
    assert (answer.status_code, answer.json()["error"]) == (503, "platform_unavailable")
    assert answer.json()["reasons"][0]["text"].startswith("平台暂时开不了机")
    ready = await town.http.get("/health/ready")
    assert (ready.status_code, ready.json()["database"]) == (503, False)
    assert (await town.http.get("/health/live")).status_code == 204


async def test_a_clock_that_is_off_is_not_ready(town: Town) -> None:
    assert (await town.http.get("/health/ready")).json()["ready"] is True
    from datetime import timedelta

    town.clock.moved = timedelta(seconds=3)
    answer = await town.http.get("/health/ready")
    assert (answer.status_code, answer.json()["database"]) == (503, True)
    assert 2000 < answer.json()["clock_off_ms"] < 4000


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "zh"),
        ("", "zh"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("en", "en"),
        ("en-US,en;q=0.5", "en"),
        ("fr,en;q=0.4", "en"),
        ("de", "zh"),
        ("en;q=0.3,zh;q=0.7", "zh"),
        ("en;q=x", "zh"),
    ],
)
def test_the_language_is_what_the_phone_prefers(header: str | None, language: str) -> None:
    assert language_of(header) == language


def test_the_document_lists_every_route_with_its_errors() -> None:
    for methods in document()["paths"].values():
        for operation in methods.values():
            problem = operation["responses"]["4XX"]["content"]["application/json"]["schema"]
            assert problem == {"$ref": "#/components/schemas/Problem"}


def test_the_document_is_the_same_every_time() -> None:
    assert json.dumps(document(), sort_keys=True) == json.dumps(document(), sort_keys=True)


def test_every_field_of_an_answer_is_always_there() -> None:
    inbound = {"CodeRequest", "SignIn", "UnlockRequest", "LockRequest", "BlockRequest", "CloseRequest", "SheetRequest"}
    for module in (http, desk):
        for name, shape in vars(module).items():
            if isinstance(shape, type) and issubclass(shape, http.Shape) and name not in inbound:
                assert all(field.is_required() for field in shape.model_fields.values()), name


def test_no_two_shapes_share_a_name() -> None:
    assert not [name for name in document()["components"]["schemas"] if "-" in name or "__" in name]


def test_plates_of_tests_are_plates() -> None:
    assert plate.check(plate.make("410502", "A", 1))


NASTY = ["\x00", "a\x00b", "\ud800", "'; DROP TABLE weld.alert; --", "%", "../..", "🔥" * 50, "٣", "1e400", "-1", " "]


async def test_nasty_words_never_cause_an_error_of_ours(town: Town) -> None:
    welder, code, officer = await town.welder(), await town.machine(), await town.officer()
    wrong = []

    async def send(method: str, path: str, **words: Any) -> None:
        answer = await town.http.request(method, f"/api/v1{path}", **words)
        if answer.status_code >= 500:
            wrong.append(f"{method} {path} {words.get('json') or words.get('params')}: {answer.status_code}")

    for word in NASTY:
        encoded = quote(word.encode("utf-8", "surrogatepass"), safe="")
        body = json.dumps  # keeps a lone surrogate as an escape, as a client could
        typed = {"Content-Type": "application/json"}
        for path in (f"/plates/{encoded}", f"/machines/{encoded}", f"/sessions/{encoded}", f"/alerts/{encoded}"):
            await send("GET", path, headers=officer)
        for name in ("plate", "after", "division", "since", "until", "state", "worker", "limit", "chip", "endpoint"):
            for path in ("/machines", "/sessions", "/alerts", "/deliveries", "/quarantine", "/days"):
                await send("GET", f"{path}?{name}={encoded}", headers=officer)
        key = {"Idempotency-Key": str(uuid4())}
        await send("POST", "/unlocks", content=body({"plate": word}), headers=welder.bearer | typed | key)
        await send("POST", "/sign-in/codes", content=body({"phone": word}), headers=typed)
        for order in ("lock", "block"):
            asked = body({"level": 1, "reason": word} if order == "lock" else {"reason": word})
            await send("POST", f"/machines/{code}/{order}", content=asked, headers=officer | typed)
    for span in ("since=0001-01-01T00:00:00Z", "until=9999-12-31T23:59:59Z", "until=0001-01-01T00:00:00%2B14:00"):
        await send("GET", f"/machines/{code}/timeline?{span}", headers=officer)
        await send("GET", f"/sessions?{span}", headers=officer)
    for days in ("since=0001-01-01", "until=0001-01-01", "since=9999-12-31&until=9999-12-31"):
        await send("GET", f"/days?plate={code}&{days}", headers=officer)
    assert not wrong, "\n".join(wrong)
