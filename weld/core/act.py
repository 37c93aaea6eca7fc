"""What an authority may do with a certificate: which act leads from which state to which, and what an undo goes back to.

Refuses an act that changes nothing, and a way round an undo: what was withdrawn becomes good again by restoring it only.
"""

from collections.abc import Mapping
from typing import Literal

from weld.core.certificate import Registered

Act = Literal["verify", "suspend", "revoke", "cancel", "suspect", "restore"]
# What stands on record: an officer's act, or an answer of the register.
Recorded = Literal["verify", "suspend", "revoke", "cancel", "suspect", "restore", "answer"]

_LEADS_TO: Mapping[Act, Registered] = {
    "verify": "verified",
    "suspend": "suspended",
    "revoke": "revoked",
    "cancel": "cancelled",
    "suspect": "suspected_fake",
}
_WITHDRAWN: frozenset[Registered] = frozenset({"suspended", "revoked", "cancelled", "suspected_fake"})
_FROM: Mapping[Act, frozenset[Registered]] = {
    "verify": frozenset({"unverified", "suspected_fake"}),
    "suspend": frozenset({"unverified", "verified"}),
    "revoke": frozenset({"unverified", "verified", "suspended", "suspected_fake"}),
    "cancel": frozenset({"unverified", "verified", "suspended", "suspected_fake"}),
    "suspect": frozenset({"unverified", "verified", "suspended"}),
    "restore": _WITHDRAWN,
}


def entered(state: Registered, claimed: Registered) -> Registered:
    """The state after the certificate was entered or imported again as `claimed`: what was withdrawn stays withdrawn."""
    return state if state in _WITHDRAWN and claimed not in _WITHDRAWN else claimed


def leads_to(act: Act, state: Registered, before: Registered | None) -> Registered | None:
    """The state after this act, or None where it cannot be done in this one.

    `before` is the state from which an act led to this one; without a record a restored certificate is to be verified first.
    """
    if state not in _FROM[act]:
        return None
    return (before or "unverified") if act == "restore" else _LEADS_TO[act]
