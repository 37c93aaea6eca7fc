"""The api of a demo: the same process as everywhere, but its codes say to which masked phone they go.

Run by the demo in the place of `weldgate api`, so that the api of an earnest installation has no way to do it. Refuses to start
where `open_demo` does.
"""

import os
import sys
from pathlib import Path

import psycopg
import structlog

from api.main import serve
from api.settings import ApiSettings
from weld.cli.demo.accounts import NotADemoError, open_demo
from weld.cli.demo.codes import MaskedConsole
from weld.kit import log as logging
from weld.kit.clock import SystemClock
from weld.kit.run import run as run_until_stopped
from weld.store.vault import Vault

log = structlog.get_logger()


def run() -> int:
    """Until told to stop; 1 where this is no demo."""
    logging.configure("api", json=False)
    settings = ApiSettings()
    try:
        open_demo(settings)
        url, vault = os.environ["WELDGATE_PROCESS_DATABASE_URL"], Vault.load(Path(os.environ["WELDGATE_VAULT"]))
        told = Path(os.environ["WELDGATE_ADDRESS_FILE"])
        return run_until_stopped(
            lambda stop: serve(settings, url, vault, SystemClock(), stop, told, codes=MaskedConsole())
        )
    except (NotADemoError, psycopg.OperationalError) as error:
        log.error("cannot_start", reason=str(error))
    return 1


if __name__ == "__main__":
    sys.exit(run())
