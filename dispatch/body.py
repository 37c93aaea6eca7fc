"""The body of a webhook, from an alert as it stands: the exact bytes that every attempt will send.

Refuses personal data: it takes nothing of the worker, and evidence that looks like a personal number is struck out.
"""

import re
from datetime import UTC, datetime
from typing import Any

from schemas.webhook import MAX_BODY_BYTES, AlertWebhook
from weld.core.catalogue import ALERTS
from weld.store.dispatch import AlertRow, FactRow

STRUCK = "***"
_PERSONAL_KEYS = frozenset({"worker", "name", "phone", "identity", "certificate", "number"})
# An identity number (also behind the T of a certificate) or a mobile number that stands alone.
_PERSONAL = re.compile(r"(?<!\d)(?:\d{17}[\dXx]|(?:\+?86)?1[3-9]\d{9})(?!\d)")


def build(fact: FactRow, alert: AlertRow) -> str:
    """JSON text below 20 KB; evidence that does not fit is left out, and said to be."""
    text = _text(fact, alert, _clean(alert.evidence), cut=False)
    if len(text.encode()) < MAX_BODY_BYTES:
        return text
    return _text(fact, alert, {}, cut=True)


def _text(fact: FactRow, alert: AlertRow, evidence: dict[str, Any], *, cut: bool) -> str:
    words = {name: _utc(value) for name, value in alert._asdict().items()}
    kind = ALERTS.get(alert.code)  # type: ignore[call-overload]  # the table may hold codes of a later version
    words |= {
        "alert": words.pop("id"),
        "name_zh": kind.zh if kind else alert.code,
        "name_en": kind.en if kind else alert.code,
        "live": not words.pop("historical") and alert.late_by_ms == 0,
        "evidence": evidence,
        "evidence_cut": cut,
    }
    webhook = {"type": fact.fact, "timestamp": _utc(fact.at), "data": words}
    return AlertWebhook.model_validate(webhook).model_dump_json()


def _utc(value: object) -> object:
    return value.astimezone(UTC) if isinstance(value, datetime) else value


def _clean(evidence: dict[str, Any]) -> dict[str, Any]:
    return {_PERSONAL.sub(STRUCK, key): _struck(value) for key, value in evidence.items() if key not in _PERSONAL_KEYS}


def _struck(value: object) -> object:
    """Text is searched; numbers are measurements and pass."""
    match value:
        case dict():
            return _clean(value)
        case list():
            return [_struck(inner) for inner in value]
        case str():
            return _PERSONAL.sub(STRUCK, value)
        case _:
            return value
