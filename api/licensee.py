"""Who asks for a licence, as far as the decision wants to know: person and certificates, looked up and opened.

Two statements by index, whatever the size of the register; the identity number is opened for the day of birth alone and
stays here. Refuses to judge: weld.core.licence does.
"""

from uuid import UUID

from api.papers import held
from weld.core import identity
from weld.core.certificate import Certificate
from weld.core.ids import Worker
from weld.core.licence import Person
from weld.store import fields, workers
from weld.store.connect import Conn
from weld.store.vault import Vault


async def person(conn: Conn, vault: Vault, worker: UUID, zone: str) -> Person | None:
    """The person; days are those of `zone`."""
    row = await workers.licence(conn, worker, zone)
    if row is None:
        return None
    number = vault.open(fields.WORKER_IDENTITY, worker, row.identity_sealed)
    return Person(
        id=Worker(worker),
        birth=identity.birth_date(number),
        suspended=row.suspended,
        group=row.retirement_group,
        last_work_on=row.last_work_on,
        practical_test_on=row.practical_test_on,
    )


async def certificates(conn: Conn, worker: UUID, zone: str) -> list[Certificate]:
    """All certificates of this person."""
    return [held(row, zone) for row in await workers.certificates(conn, worker)]
