"""How the built screens are served: whatever is not a file is the screen itself, nothing outside the list is ever opened."""

from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from api.app import create_app
from api.screens import listed
from tests.api.town import Town


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    """A built phone, a built console and a base map, in small."""
    for name, text in {
        "phone/index.html": "<title>phone</title>",
        "phone/assets/index-abc.js": "export {}",
        "phone/assets/index-abc.js.br": "brotli",
        "phone/assets/index-abc.js.gz": "gzip",
        "console/index.html": "<title>console</title>",
        "console/assets/index-def.css": "p{}",
        "map/china.json": '{"ours": true}',
    }.items():
        file = tmp_path / "pages" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    (tmp_path / "secret.txt").write_text("not for anybody")
    return tmp_path / "pages"


def client(town: Town, pages: Path, own_map: Path | None = None) -> httpx.AsyncClient:
    parts = replace(town.parts, pages=listed(pages), map_files=listed(own_map) if own_map else {})
    return httpx.AsyncClient(transport=httpx.ASGITransport(create_app(parts)), base_url="http://screens")


async def test_whatever_is_no_file_is_the_screen_itself(town: Town, pages: Path) -> None:
    async with client(town, pages) as http:
        for path in ("/", "/m/410502A000000001H", "/session/1", "/index.html"):
            answer = await http.get(path)
            assert (answer.status_code, "phone" in answer.text) == (200, True), path
        for path in ("/console", "/console/", "/console/alerts/1"):
            answer = await http.get(path)
            assert (answer.status_code, "console" in answer.text) == (200, True), path


async def test_a_screen_is_never_kept_and_its_hashed_files_are_kept_for_ever(town: Town, pages: Path) -> None:
    async with client(town, pages) as http:
        assert (await http.get("/")).headers["cache-control"] == "no-store"
        assert "immutable" in (await http.get("/console/assets/index-def.css")).headers["cache-control"]


async def test_the_policy_lets_nothing_come_from_elsewhere(town: Town, pages: Path) -> None:
    async with client(town, pages) as http:
        policy = (await http.get("/")).headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "'unsafe-eval'" not in policy
    assert "script-src 'self' 'wasm-unsafe-eval';" in policy
    assert "http" not in policy
    assert "frame-ancestors 'none'" in policy


async def test_what_was_compressed_at_build_time_leaves_as_it_is(town: Town, pages: Path) -> None:
    async with client(town, pages) as http:
        for accepted, encoding in (("br, gzip", "br"), ("gzip", "gzip"), ("identity", None)):
            request = http.build_request("GET", "/assets/index-abc.js", headers={"accept-encoding": accepted})
            answer = await http.send(request, stream=True)
            assert answer.headers.get("content-encoding") == encoding
            assert answer.headers["content-type"].startswith("text/javascript")
            await answer.aclose()


@pytest.mark.parametrize(
    "path",
    [
        "/assets/missing.js", "/../secret.txt", "/..%2fsecret.txt", "/assets/..%2f..%2f..%2fsecret.txt",
        "/map/..%2f..%2fsecret.txt",
        "/map/missing.json", "/api/v1/nothing", "/api/nothing", "/health/nothing", "/console/../../secret.txt",
    ],
)  # fmt: skip
async def test_nothing_outside_the_list_is_ever_opened(town: Town, pages: Path, path: str) -> None:
    async with client(town, pages) as http:
        answer = await http.get(path)
    assert answer.status_code == 404
    assert answer.json()["error"] == "not_found"


async def test_the_authority_may_put_its_own_map_in_the_place_of_ours(town: Town, pages: Path, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "china.json").write_text('{"ours": false}')
    async with client(town, pages, own) as http:
        assert (await http.get("/map/china.json")).json() == {"ours": False}


async def test_without_built_screens_one_line_says_what_to_do(town: Town, tmp_path: Path) -> None:
    async with client(town, tmp_path / "none") as http:
        answer = await http.get("/")
    assert answer.status_code == 503
    assert "make pages" in answer.text
