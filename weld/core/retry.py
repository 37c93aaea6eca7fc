"""What an answer to a webhook means, and when the next attempt is due: back-off with jitter for more than three days.

Two levels: a delivery (its own attempts), and the health of its endpoint (one that fails for long is probed slowly with
one delivery at a time, the others wait). Refuses clocks and randomness: ages and a random number are handed in.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_HOUR_S = 3600.0
_GONE = 410


@dataclass(frozen=True, slots=True)
class Policy:
    """Standard Webhooks 1.0.0 asks for about ten tries over 75 hours; a team's system may be down over a long weekend."""

    delays_s: tuple[float, ...] = (5, 30, 120, 600, 1800, _HOUR_S, 3 * _HOUR_S, 6 * _HOUR_S, 12 * _HOUR_S)
    """After the n-th attempt; the last one is repeated."""
    give_up_after_s: float = 72 * _HOUR_S
    """From the first attempt on; the attempt that fails after this is the last."""
    jitter: float = 0.25
    """Added, as a share of the delay, so that what failed together does not come back together."""
    longest_retry_after_s: float = _HOUR_S
    """An endpoint may ask for a pause, but not for silence."""
    one_at_a_time_after: int = 3
    """Failures in a row."""
    slow_after_s: float = 300
    """An endpoint that has failed for so long is probed this often:"""
    probe_every_s: float = 300


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: a status, or none and what went wrong; and the pause that the endpoint asked for."""

    status: int | None
    error: str | None = None
    retry_after_s: float | None = None

    @property
    def accepted(self) -> bool:
        """Only 2xx is success: a redirect is an address that nobody has allowed."""
        return self.status is not None and 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class Delivered:
    """Done."""


@dataclass(frozen=True, slots=True)
class Again:
    """Try again in `delay_s`; the endpoint gets nothing for `hold_s`."""

    delay_s: float
    hold_s: float


@dataclass(frozen=True, slots=True)
class Dead:
    """Too long in vain: this delivery is given up, the endpoint gets nothing for `hold_s`."""

    hold_s: float


@dataclass(frozen=True, slots=True)
class Gone:
    """The endpoint says that it is no more: disable it."""


Verdict = Delivered | Again | Dead | Gone


@dataclass(frozen=True, slots=True)
class Standing:
    """How a delivery and its endpoint stand as an attempt begins. `attempts` counts this one; ages are in seconds."""

    attempts: int
    age_s: float
    failing_s: float | None
    """Since the endpoint's first failure in a row, None where the last one was a success."""


def judge(policy: Policy, standing: Standing, answer: Answer, random: float) -> Verdict:
    """What becomes of the delivery. `random` lies in [0, 1)."""
    if answer.accepted:
        return Delivered()
    if answer.status == _GONE:
        return Gone()
    asked_s = min(max(answer.retry_after_s or 0.0, 0.0), policy.longest_retry_after_s)
    hold_s = max(asked_s, _probe_s(policy, standing, random))
    if standing.age_s >= policy.give_up_after_s:
        return Dead(hold_s)
    delay_s = policy.delays_s[min(standing.attempts, len(policy.delays_s)) - 1]
    return Again(max(delay_s * (1 + policy.jitter * random), asked_s), hold_s)


def retry_after_s(header: str | None, now: datetime) -> float | None:
    """The Retry-After header: seconds or a date (RFC 9110); None where it is neither."""
    if header is None:
        return None
    if header.strip().isascii() and header.strip().isdigit():
        return float(header.strip()[:10])
    try:
        until = parsedate_to_datetime(header)
    except (ValueError, OverflowError):
        return None
    aware = until if until.tzinfo is not None else until.replace(tzinfo=UTC)
    return max(0.0, (aware - now).total_seconds())


def _probe_s(policy: Policy, standing: Standing, random: float) -> float:
    if (standing.failing_s or 0.0) < policy.slow_after_s:
        return 0.0
    return policy.probe_every_s * (1 + policy.jitter * random)
