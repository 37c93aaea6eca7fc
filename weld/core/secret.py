"""Secrets that we hand out: how an officer key and a webhook secret look, and what of a key is kept.

Refuses randomness: it is handed in.
"""

import base64
import binascii
import hashlib

from weld.core.fault import Fault

_OFFICER = "wgk_"
_ENROLMENT = "wge_"
_WEBHOOK = "whsec_"


def officer_key(random: bytes) -> str:
    """A bearer key of 256 random bits."""
    return _OFFICER + base64.urlsafe_b64encode(random).decode().rstrip("=")


def enrolment(random: bytes) -> str:
    """The secret by which the owner of an account sets a password: 256 random bits."""
    return _ENROLMENT + base64.urlsafe_b64encode(random).decode().rstrip("=")


def key_hash(key: str) -> bytes:
    """What is stored of a bearer key. Plain SHA-256 will do: the key is random and long, so there is nothing to guess."""
    return hashlib.sha256(key.encode("utf-8")).digest()


def webhook_secret(random: bytes) -> str:
    """A signing secret as Standard Webhooks writes it."""
    return _WEBHOOK + base64.b64encode(random).decode()


def webhook_secret_fault(text: str) -> Fault | None:
    """Why this is no signing secret: whsec_ and 24 to 64 bytes in base64 (Standard Webhooks 1.0.0)."""
    try:
        size = len(base64.b64decode(text.removeprefix(_WEBHOOK), validate=True))
    except (binascii.Error, ValueError):
        size = 0
    if text.startswith(_WEBHOOK) and 24 <= size <= 64:
        return None
    return Fault("shape", "a webhook secret is whsec_ and 24 to 64 bytes in base64; leave it out to have one made")
