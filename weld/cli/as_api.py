"""The registers as the role api sees them, for commands that a person runs: `weldgate seed`, `weldgate plates`.

In the api's own container (docker compose run --rm api seed ...) they are where that container is told; on a clone they are the
clone's own. Refuses the owner's login: what a person enters passes the same guards as what he sends to the api.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from weld.cli.stack import Stack
from weld.store.vault import Vault


@contextmanager
def as_api() -> Iterator[tuple[str, Vault]]:
    """The database's address for the role api, and the vault."""
    url, folder = os.environ.get("WELDGATE_PROCESS_DATABASE_URL"), os.environ.get("WELDGATE_VAULT")
    if url and folder:
        yield url, Vault.load(Path(folder))
        return
    with Stack.main(needs_broker=False) as stack:
        yield stack.role_url("api"), stack.installation.vault
