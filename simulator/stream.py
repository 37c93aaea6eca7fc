"""The endless words of light chips, for load: what chip `number` says as its `seq`-th word, as bytes ready for the wire.

A pure function of seed, number and seq, so that a stream needs no memory at all; `at` is data. One chip in ten works (sessions
with bursts under its own ticket), the others send heartbeats. Each word is one step of 10 s on the chip's own clock `up`, however
fast it is sent. Refuses to be a chip: nothing is signed, no command is heard, the contact obeys the plan. See device.py.
"""

import random
from typing import NamedTuple

STEP_MS = 10_000  # of the chip's own time from word to word
_UP_0_MS = 60_000
_SAMPLE_MS = 1000

# A session and the pause behind it, one word each. Two bursts of welding with pauses, then a pause.
_BURST = ("arc_started", "arcing", "arcing", "arcing", "arcing", "arc_ended", "unlocked", "unlocked")
_OUTSIDE = ("locked", "relay_opened")
CYCLE = ("relay_closed", "unlocked", *_BURST, *_BURST, "relay_opened", "locked", "locked")


def chip_name(number: int) -> str:
    """The chip that a number stands for."""
    return f"LOAD{number:08d}"


def shard_of(number: int, shards: int) -> str:
    """The shard it is enrolled in."""
    return f"{number % shards:02x}"


def ticket_of(number: int) -> str:
    """The one ticket under which it opens all its sessions."""
    return f"00000000-0000-7000-8000-{number:012x}"


def works(number: int, percent: int) -> bool:
    """Whether it is one of those that weld; evenly spread over the numbers."""
    return number * 37 % 100 < percent


class Stream(NamedTuple):
    """The words of all chips of one seed: `Stream.make(seed).word(number, seq, at_ms)`."""

    working_percent: int
    idle_ms: int  # what the samples of a heartbeat span, and those of a word at work
    work_ms: int
    boot: bytes
    idle: bytes
    placed: bytes
    parts: tuple[tuple[str, bytes], ...]
    session: bytes

    @classmethod
    def make(cls, seed: int, *, boot: int = 1, working_percent: int = 10, samples: int | None = None) -> "Stream":
        """Prepare the templates. `samples`: in every telemetry; None = 1 in heartbeats and 10 at work."""
        dice = random.Random(seed)  # noqa: S311  (streams must be repeatable)
        head = b'"boot":%d,' % boot + b'"seq":%d,"at":%d,"up":%d,"clock":"synced"'
        heartbeat = _telemetry(head, "locked", samples or 1, dice)
        return cls(
            working_percent=working_percent,
            idle_ms=(samples or 1) * _SAMPLE_MS,
            work_ms=(samples or 10) * _SAMPLE_MS,
            boot=_BOOT % (head, boot),
            idle=heartbeat + b"}",
            placed=heartbeat + _PLACE,
            parts=tuple((part, _part(head, part, samples or 10, dice)) for part in CYCLE),
            session=b"%08x-%04x-7%%03x-8%%03x-%%012x" % (seed & 0xFFFFFFFF, boot & 0xFFFF),
        )

    def word(self, number: int, seq: int, at_ms: int) -> bytes:
        """What the chip says; seq 1 is its boot message."""
        up = _UP_0_MS + seq * STEP_MS
        if seq == 1:
            return self.boot % (seq, at_ms, up)
        if number * 37 % 100 < self.working_percent:
            return self._work(number, seq, at_ms, up)
        if seq & 15:
            return self.idle % (seq, at_ms, up, up - self.idle_ms, number)
        return self.placed % (seq, at_ms, up, up - self.idle_ms, number, number % 1_000_000, number % 999_983)

    def _work(self, number: int, seq: int, at_ms: int, up: int) -> bytes:
        # they do not all begin at the same part; whoever begins within a session opens it first
        cycle, at_part = divmod(seq - 2 + number % len(CYCLE), len(CYCLE))
        part, template = self.parts[at_part]
        if seq == 2 and part not in _OUTSIDE:
            part, template = self.parts[0]
        if part == "locked" or (seq == 2 and part == "relay_opened"):
            return self.idle % (seq, at_ms, up, up - self.idle_ms, number)
        session = self.session % (cycle >> 12 & 0xFFF, cycle & 0xFFF, number)
        match part:
            case "relay_closed":
                return template % (seq, at_ms, up, session, _TICKET % number)
            case "relay_opened":
                return template % (seq, at_ms, up, session)
            case "arc_started":
                return template % (seq, at_ms, up, up - _SAMPLE_MS, session)
            case "arc_ended":
                return template % (seq, at_ms, up, up - 5 * STEP_MS - _SAMPLE_MS, up - STEP_MS, session)
        return template % (seq, at_ms, up, up - self.work_ms, number + seq, session, _TICKET % number)


_TICKET = b"00000000-0000-7000-8000-%012x"
_BOOT = (
    b'{"kind":"boot",%b,"model":"load","firmware":"1.0","cause":"power","config_version":1,"contact":"open",'
    b'"nonce":"load-load-load-%04d"}'
)
_PLACE = b',"position":{"lat":33.%06d,"lon":113.%06d,"accuracy_m":8,"source":"gnss","fix_age_s":2}}'
_EVENTS = {
    "relay_closed": b'"session":"%b","ticket":"%b"',
    "relay_opened": b'"reason":"worker","session":"%b"',
    "arc_started": b'"from_up":%d,"contact":"closed","session":"%b","peak_a":160.5',
    "arc_ended": b'"from_up":%d,"to_up":%d,"arc_ms":40000,"peak_a":190.5,"session":"%b"',
}


def _part(head: bytes, part: str, samples: int, dice: random.Random) -> bytes:
    if part in _EVENTS:
        return b'{"kind":"event",%b,"event":{"name":"%b",%b}}' % (head, part.encode(), _EVENTS[part])
    return _telemetry(head, part, samples, dice) + b',"session":"%b","ticket":"%b"}'


def _telemetry(head: bytes, state: str, samples: int, dice: random.Random) -> bytes:
    """A template that still needs (seq, at, up, from_up, energy) and what follows."""
    burns = state == "arcing"
    current = [round(dice.uniform(120, 180), 1) if burns else 0.0 for _ in range(samples)]
    contact = "open" if state == "locked" else "closed"
    lists: dict[str, list[float]] = {
        "current_a": current,
        "peak_a": [round(a * 1.05, 1) for a in current],
        "voltage_v": [round(dice.uniform(22, 26), 1) if burns else 0.0 for _ in range(samples)],
        "arc_ms": [_SAMPLE_MS if burns else 0] * samples,
    }
    measured = ",".join(f'"{name}":[{",".join(map(str, values))}]' for name, values in lists.items())
    rest = f'"state":"{state}","contact":"{contact}","energy_wh":%d,"mains":true,"temperature_c":31.5,"signal_dbm":-71'
    return b'{"kind":"telemetry",%b,"from_up":%%d,"step_ms":1000,%b,%b' % (head, measured.encode(), rest.encode())
