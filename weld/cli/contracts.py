"""The committed contracts: JSON Schema and AsyncAPI of the chip protocol, JSON Schema of the webhooks, OpenAPI of the API.

Made from the code, never by hand; a test fails when a committed file has drifted. Refuses to invent: examples are files of
their own.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from schemas import protocol

FOLDER = Path(protocol.__file__).parent / "contracts"


def documents() -> Mapping[str, dict[str, Any]]:
    """Every contract by its file name."""
    from api.openapi import document

    return {
        "chip-messages.schema.json": protocol.chip_schema(),
        "down-messages.schema.json": protocol.down_schema(),
        "asyncapi.json": protocol.asyncapi(),
        "webhooks.schema.json": protocol.webhook_schema(),
        "openapi.json": document(),
    }


def text(document: Mapping[str, Any]) -> str:
    """A document as it is committed."""
    return json.dumps(document, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def drifted() -> list[str]:
    """The files that do not say what the code says."""
    return [
        name
        for name, document in documents().items()
        if not (FOLDER / name).exists() or (FOLDER / name).read_text() != text(document)
    ]


def run(*, check: bool) -> int:
    """Write them, or with `check` only compare."""
    if check:
        for name in drifted():
            print(f"{name} has drifted: run `weldgate contracts`", file=sys.stderr)
        return 1 if drifted() else 0
    FOLDER.mkdir(exist_ok=True)
    for name, document in documents().items():
        (FOLDER / name).write_text(text(document))
        print(f"wrote {name}", file=sys.stderr)
    return 0
