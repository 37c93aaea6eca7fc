"""The built screens: phone at /, console at /console/, base map at /map/; hashed files for ever, pages never kept.

Files are looked up in a list made at start, so no path of a request ever reaches the file system. What was compressed at
build time leaves as it is. Refuses other hosts by a strict policy, and frames.
"""

import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import FileResponse, PlainTextResponse, Response

from api.caller import Open
from api.parts import parts_of
from api.problems import RefusedError

router = APIRouter(include_in_schema=False)

PAGES = Path(__file__).parent / "pages"
# Both screens: style attributes are set by the component libraries; the reader of codes is WebAssembly of our own.
_POLICY_PARTS = (
    "default-src 'none'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "style-src 'self'",
    "style-src-attr 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "media-src 'self' blob:",
    "font-src 'self' data:",
    "connect-src 'self'",
    "worker-src 'self' blob:",
    "manifest-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
)
_POLICY = "; ".join(_POLICY_PARTS)
_PAGE_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Cache-Control": "no-store",
    "Permissions-Policy": "camera=(self), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}
# A worker's own policy: it fetches the shell's files, and nothing else. Browsers look for a new one each time.
_WORKER_HEADERS = {"Content-Security-Policy": "default-src 'none'; connect-src 'self'", "Cache-Control": "no-cache"}
_FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}
_AN_HOUR = {"Cache-Control": "public, max-age=3600", "Vary": "Accept-Encoding"}
_ENCODINGS = (("br", ".br"), ("gzip", ".gz"))
_TYPES = {".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm", ".json": "application/json"}


@dataclass(frozen=True, slots=True)
class Served:
    """One file and the encodings that lie beside it."""

    path: Path
    encodings: frozenset[str]

    @property
    def type(self) -> str:
        """Its media type."""
        return _TYPES.get(self.path.suffix) or mimetypes.guess_type(self.path.name)[0] or "application/octet-stream"


def listed(folder: Path) -> Mapping[str, Served]:
    """Every file below a folder by its path in an address; empty where the folder is not there."""
    files = {one for one in folder.rglob("*") if one.is_file()} if folder.is_dir() else set()
    plain = (one for one in files if one.suffix not in {".br", ".gz"})
    return MappingProxyType({one.relative_to(folder).as_posix(): _served(one, files) for one in plain})


def _served(file: Path, files: set[Path]) -> Served:
    return Served(file, frozenset(name for name, end in _ENCODINGS if file.with_name(file.name + end) in files))


@router.get("/map/{path:path}")
def base_map(path: str, request: Request, _rule: Annotated[None, Depends(Open())]) -> Response:
    """The base map: the one that was built, or the deploying authority's own."""
    parts = parts_of(request)
    own = parts.map_files
    found = own.get(path) or parts.pages.get(f"map/{path}")
    if found is None:
        raise RefusedError("not_found")
    return _file(request, found, _AN_HOUR)


@router.get("/{path:path}")
def screen(path: str, request: Request, _rule: Annotated[None, Depends(Open())]) -> Response:
    """A file of a screen, or the screen itself: what comes after its address is its own business."""
    pages = parts_of(request).pages
    if path.startswith(("api/", "health/")):
        raise RefusedError("not_found")
    name = "console" if path == "console" or path.startswith("console/") else "phone"
    inside = path.removeprefix("console").lstrip("/") if name == "console" else path
    if (found := pages.get(f"{name}/{inside}")) is not None and inside != "index.html":
        kept = _WORKER_HEADERS if inside == "sw.js" else _FOR_EVER if inside.startswith("assets/") else _AN_HOUR
        return _file(request, found, kept)
    if "." in inside.rsplit("/", 1)[-1] and inside != "index.html":
        raise RefusedError("not_found")
    if (index := pages.get(f"{name}/index.html")) is None:
        return PlainTextResponse("the screens were not built: run `make pages`\n", 503)
    return _file(request, index, _PAGE_HEADERS)


def _file(request: Request, served: Served, headers: Mapping[str, str]) -> Response:
    accepted = {one.split(";")[0].strip() for one in request.headers.get("accept-encoding", "").split(",")}
    for name, end in _ENCODINGS:
        if name in served.encodings and name in accepted:
            compressed = served.path.with_name(served.path.name + end)
            return FileResponse(compressed, headers={**headers, "Content-Encoding": name}, media_type=served.type)
    return FileResponse(served.path, headers=dict(headers), media_type=served.type)
