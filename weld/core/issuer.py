"""The issuer's register: what it is asked, what it answers, how long an answer is good, and what follows from it.

Adapters carry question and answer. Refuses an answer that does not say what it should, and to follow any address that a
certificate or an answer carries: where a register is, the installation says and nobody else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

from weld.core.certificate import Kind, Registered

# What a register may say of a certificate that it holds. Suspicion and checking are ours.
Said = Literal["valid", "revoked", "cancelled", "suspended"]

_MEANS: Mapping[Said, Registered] = {
    "valid": "verified",
    "revoked": "revoked",
    "cancelled": "cancelled",
    "suspended": "suspended",
}
# What only a person may take back.
_OURS: frozenset[Registered] = frozenset({"suspended", "suspected_fake", "revoked", "cancelled"})
# So many in a row that a register which knows none of them is more likely to be broken than right.
_ENOUGH = 4


@dataclass(frozen=True, slots=True)
class Asked:
    """One certificate, by what identifies it. The number is personal."""

    kind: Kind
    number: str
    item: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What the register said and when; `said` None: it does not hold this certificate."""

    said: Said | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Known:
    """An answer as it is used; `stale`: the register gave none just now, this is an older one."""

    answer: Answer
    stale: bool


def read(body: object, at: datetime) -> Answer | None:
    """The answer in a body, or None where it is none of ours: `{"found": true, "status": "valid"}` or `{"found": false}`."""
    words: Mapping[str, Any] = body if isinstance(body, dict) else {}
    if words.get("found") is False:
        return Answer(None, at)
    said = next((one for one in get_args(Said) if one == words.get("status")), None)
    return Answer(said, at) if words.get("found") is True and said is not None else None


def usable(answer: Answer | None, now: datetime, most: timedelta) -> bool:
    """Whether a kept answer may still stand for a new one."""
    return answer is not None and timedelta(0) <= now - answer.at <= most


def settled(state: Registered, answer: Answer) -> Registered:
    """The state after this answer. A yes verifies, and makes nothing good that was withdrawn; a no is believed."""
    if answer.said is None:
        return state if state in {"revoked", "cancelled"} else "suspected_fake"
    means = _MEANS[answer.said]
    if means == "verified":
        return state if state in _OURS else "verified"
    if means == "suspended" and state in _OURS:
        return state
    return means


def is_plausible(answers: Sequence[Answer]) -> bool:
    """Whether a round of answers can be believed: a register that suddenly knows hardly anybody is broken, and believing it would
    stop everybody's work."""
    unknown = sum(answer.said is None for answer in answers)
    return len(answers) < _ENOUGH or unknown * 2 <= len(answers)
