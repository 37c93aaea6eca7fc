"""What is asked about one machine reads that machine's rows, and not a table of all machines: shown by the server's own plans."""

import psycopg

from tests.database import Database
from weld.store import load, province

PLATE = "410500" + "00000000042"


async def test_a_machines_chips_and_holes_are_found_by_their_keys(database: Database) -> None:
    load.fill(database.url("owner"), 0, 4000, shards=64)
    with psycopg.connect(database.url("owner"), autocommit=True) as conn:
        conn.execute(
            "INSERT INTO hole (chip_no, boot, from_seq, to_seq, why, at)"
            " SELECT 1 + n % 4000, 1, n, n, 'lost', now() - n * interval '1 minute' FROM generate_series(1, 20000) n"
        )
        conn.execute("ANALYZE hole")
    plans: list[str] = []
    asked = "SELECT count(*) FROM machine_lost(%s, now() - interval '1 year', now(), 500)"
    async with province.explained(database.admin_url, f"{database.name}_api", "platform", plans.append) as conn:
        for _ in range(7):  # a function's plan may become another one after some uses
            found = await (await conn.execute(asked, (PLATE,))).fetchone()
    assert found == (5,)
    told = "\n".join(plans)
    assert "hole_pkey" in told
    assert "binding_plate" in told
    assert "Seq Scan" not in told
    assert "hole_at" not in told
