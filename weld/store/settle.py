"""A store that was put back from an older moment (a backup, a base backup, a standby that lagged): made safe to go on with.

The outside has moved on since: chips took commands, receivers took webhooks, workers of ingest had later epochs, people signed
out. All of it in one transaction, as owner. Refuses to guess what was lost.
"""

from typing import Final

import psycopg
from psycopg import sql

from weld.store.queries import query

_ALWAYS: Final = (
    ("leases", "settle_leases"),
    ("lease_owners", "settle_lease_owners"),
    ("commands_expired", "settle_commands"),
    ("grants_ended", "settle_grants"),
    ("counters_raised", "settle_counters"),
    ("outbox_renumbered", "settle_outbox"),
    ("changes_forgotten", "settle_changes"),
    ("sign_ins_ended", "settle_sign_ins"),
    ("officer_sign_ins_ended", "settle_officer_sign_ins"),
    ("codes_ended", "settle_codes"),
    ("challenges_ended", "settle_challenges"),
    ("errands_ended", "settle_errands"),
    ("enrolments_ended", "settle_enrolments"),
)
_HELD: Final = (("deliveries_held", "settle_deliveries"), ("facts_held", "settle_facts"))
_SENT: Final = (("deliveries_to_send_again", "settle_deliveries_go_on"),)


def settle(conn: psycopg.Connection, *, deliver: bool) -> dict[str, int]:
    """How many rows of each kind. With `deliver` webhooks that waited then are sent, perhaps for the second time."""
    with conn.transaction():
        steps = (*_ALWAYS, *(_SENT if deliver else _HELD))
        return {name: conn.execute(query(step)).rowcount for name, step in steps}


def ready_to_load(conn: psycopg.Connection, timescaledb: str | None) -> bool:
    """Make an empty database ready for a dump; False where the server lacks the version of TimescaleDB that the dump needs."""
    if timescaledb is None:
        return True
    row = conn.execute(query("timescale_version"), {"version": timescaledb}).fetchone()
    if row is None or not row[0]:
        return False
    conn.execute(sql.SQL("CREATE EXTENSION timescaledb VERSION {}").format(sql.Literal(timescaledb)))
    conn.execute(query("timescale_before"))
    return True


def loaded(conn: psycopg.Connection, timescaledb: str | None) -> None:
    """The load is over. `conn` is a new one: the one before does not know what was loaded."""
    if timescaledb is not None:
        conn.execute(query("timescale_after"))


def workers(conn: psycopg.Connection, *, awake: bool) -> None:
    """Send TimescaleDB's own workers out of this database, or let them in again; nothing where there are none."""
    row = conn.execute(query("timescale_is_there")).fetchone()
    if row is not None and row[0]:
        conn.execute(query("timescale_wake" if awake else "timescale_quiet"))


def count_statistics(conn: psycopg.Connection) -> None:
    """What plans are made by."""
    conn.execute(query("settle_statistics"))
