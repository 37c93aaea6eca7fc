"""deploy/start and deploy/ready as programs of their own."""

import os
import subprocess
import sys
from pathlib import Path

from tests.structure.sources import ROOT
from weld.cli.postgres import free_port
from weld.kit.door import Check, Door


def _start(folder: Path, secrets: str | None) -> "subprocess.CompletedProcess[str]":
    """deploy/start with a `weldgate` that says what it was given."""
    said = folder / "weldgate"
    said.write_text('#!/bin/sh\nprintf "%s|" "$@" "${WELDGATE_PROCESS_DATABASE_URL:-}" "${UNTOLD:-}"\n')
    said.chmod(0o755)
    environment = {"PATH": f"{folder}:/usr/bin:/bin"} | ({"WELDGATE_SECRETS": secrets} if secrets is not None else {})
    words = [str(ROOT / "deploy/start"), "ingest", "two words"]
    return subprocess.run(words, env=environment, capture_output=True, text=True, check=False)


def test_the_words_of_the_folder_reach_the_process_unbroken(tmp_path: Path) -> None:
    url = "postgresql://a:b@/c?host=%2Ftmp&port=1"
    (tmp_path / "process.env").write_text(f"WELDGATE_PROCESS_DATABASE_URL='{url}'\n")
    assert _start(tmp_path, str(tmp_path)).stdout == f"ingest|two words|{url}||"


def test_without_a_folder_it_is_plain_weldgate(tmp_path: Path) -> None:
    assert _start(tmp_path, None).stdout == "ingest|two words|||"


def test_a_folder_without_words_starts_nothing(tmp_path: Path) -> None:
    done = _start(tmp_path, str(tmp_path / "missing"))
    assert done.returncode != 0
    assert done.stdout == ""


async def _asked(check: Check | None) -> int:
    async def fine() -> str | None:
        return None

    async with Door("127.0.0.1", 0, {"it": check or fine}) as door:
        return await _ready(door.port)


async def _ready(port: int) -> int:
    import asyncio

    words = [sys.executable, str(ROOT / "deploy/ready"), str(port)]
    # a proxy in the environment must not be asked
    environment = os.environ | {"http_proxy": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9"}
    asking = await asyncio.create_subprocess_exec(*words, env=environment, stdout=subprocess.DEVNULL)
    return await asking.wait()


async def test_ready_follows_the_door() -> None:
    async def not_yet() -> str | None:
        return "no database"

    assert await _asked(None) == 0
    assert await _asked(not_yet) == 1


async def test_ready_is_no_where_nobody_listens() -> None:
    assert await _ready(free_port()) == 1
