"""From a command row to signed bytes: tickets and orders, with the permit key that only this process holds.

Pure. Refuses to sign a ticket without the chip's current nonce: such a ticket could be used twice.
"""

from schemas import down
from schemas.signed import Command, SigningKey, Ticket
from weld.store.gateway import ClaimedRow

# The chip's clock and ours may differ by this much; a ticket is valid from a little before it was made.
_CLOCK_TOLERANCE_S = 120
# A chip whose clock is a minute off must still unlock; an hour late is late on any clock.
_CLICK_TOLERANCE_S = 60


def wire(row: ClaimedRow, key: SigningKey) -> bytes | None:
    """The bytes of a command, or None while a ticket has to wait for the chip's nonce."""
    if row.kind == "ticket":
        words = _ticket(row)
        return None if words is None else down.encode_signed(words, key)
    return down.encode_signed(_order(row), key)


def _ticket(row: ClaimedRow) -> Ticket | None:
    if row.nonce is None or row.grant_id is None or row.ticket_expires_at is None or row.longest_s is None:
        return None
    return Ticket(
        jti=str(row.grant_id),
        cmd=str(row.id),
        aud=row.chip,
        sub=str(row.worker),
        nonce=row.nonce,
        nbf=int(row.created_at.timestamp()) - _CLOCK_TOLERANCE_S,
        exp=int(row.ticket_expires_at.timestamp()),
        longest_s=row.longest_s,
        presence="button" if row.presence == "button" else "none",
        counter=row.counter,
        use_by=int(row.expires_at.timestamp()) + _CLICK_TOLERANCE_S,
    )


def _order(row: ClaimedRow) -> Command:
    by = row.by if row.by in {"worker", "rule", "authority"} else "authority"
    return Command(
        id=str(row.id),
        aud=row.chip,
        action="end" if row.kind == "end" else "lock",
        level=row.level,
        grace_s=row.grace_s,
        session=None if row.session is None else str(row.session),
        by=by,  # type: ignore[arg-type]  # checked a line above
        exp=int(row.expires_at.timestamp()),
        floor=row.counter if row.kind == "lock" else 0,
    )
