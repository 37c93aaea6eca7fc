"""The way down: reads what arrives on `down`, verifies who signed it, and hands it to its rule.

Each kind is taken only from the key pinned for its use (P18). Refuses everything else aloud, but not faster than one event
in 10 s: whoever floods the topic must not push evidence out of the ring.
"""

from msgspec.structs import replace

from schemas.bad import BadMessage
from schemas.chip import RefusedReason, TicketRefused
from schemas.down import Resend, SignedDown, decode_down
from schemas.signed import BootReply, Command, Stored, Ticket, Time
from simulator.board import Chip
from simulator.gate import reply_came, time_came
from simulator.orders import order_came
from simulator.ticket import ticket_came
from simulator.uplink import resend_came, stored_came
from simulator.voice import log, say

WARN_AGAIN_MS = 10_000


def came(chip: Chip, payload: bytes) -> Chip:
    """One message from `down`."""
    try:
        word = decode_down(payload)
        return resend_came(chip, word) if isinstance(word, Resend) else _signed(chip, word)
    except BadMessage as error:
        return _warn(chip, payload, error)


def _signed(chip: Chip, down: SignedDown) -> Chip:
    keys, name = chip.identity.keys, chip.identity.chip
    match down.kind:
        case "ticket":
            return ticket_came(chip, keys.verify(down.jws, Ticket, name))
        case "command":
            return order_came(chip, keys.verify(down.jws, Command, name))
        case "boot_reply":
            return reply_came(chip, keys.verify(down.jws, BootReply, name))
        case "stored":
            return stored_came(chip, keys.verify(down.jws, Stored, name))
        case "time":
            return time_came(chip, keys.verify(down.jws, Time, name))


def _warn(chip: Chip, payload: bytes, error: BadMessage) -> Chip:
    if chip.warned_up is not None and chip.up_ms - chip.warned_up < WARN_AGAIN_MS:
        return chip
    chip = replace(chip, warned_up=chip.up_ms)
    if b'"ticket"' in payload[:64] or b'"command"' in payload[:64]:
        return say(chip, TicketRefused(ticket=None, reason=_reason(error)))
    return log(chip, f"refused from down: {error}")


def _reason(error: BadMessage) -> RefusedReason:
    """BadMessage knows one word for all bad signatures; which one it is stands in its detail."""
    if error.reason != "bad_signature" or error.detail.endswith(("ValidationError", "DecodeError")):
        return "malformed"
    if "no permit key" in error.detail:
        return "wrong_key"
    return "wrong_chip" if "another chip" in error.detail else "bad_signature"
