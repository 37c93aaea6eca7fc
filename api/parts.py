"""What the api is put together from: everything that it needs is handed in here, nothing is found by itself.

Refuses globals: a test or a demo builds as many apis in one process as it likes.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from starlette.requests import HTTPConnection

from api.board import Board
from api.code_provider import CodeProvider
from api.settings import ApiSettings
from weld.core.access import Rules
from weld.core.ids import uuid7
from weld.kit.clock import Clock
from weld.store.connect import Pool
from weld.store.vault import Vault

if TYPE_CHECKING:
    from api.screens import Served


@dataclass(frozen=True, slots=True)
class Parts:
    """One api's own parts."""

    pool: Pool
    vault: Vault
    clock: Clock
    codes: CodeProvider
    settings: ApiSettings
    rules: Sequence[Rules]
    board: Board
    pages: "Mapping[str, Served]" = field(default_factory=dict)
    map_files: "Mapping[str, Served]" = field(default_factory=dict)


def parts_of(connection: HTTPConnection) -> Parts:
    """The parts of the api that this request came to."""
    parts: Parts = connection.app.state.parts
    return parts


def new_id(at: datetime) -> UUID:
    """A UUIDv7 of this moment."""
    return uuid7(at, os.urandom(10))
