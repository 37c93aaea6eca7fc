"""An anchor: what the audit's chain had come to at one moment, signed, to be kept where the database's masters cannot reach it.

A file of JSON: number, hash and time in plain words, and a compact JWS that says the same. Refuses an anchor whose plain words
differ from what was signed, and to hold keys: they are handed in.
"""

import json
from datetime import datetime
from typing import Annotated

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from msgspec import Meta, Struct

_ALGORITHM = "Ed25519"
_TYPE = "wg-anchor+jws"


class AnchorError(ValueError):
    """The file is no anchor of this key; the message says why."""


class Anchor(Struct, frozen=True, kw_only=True):
    """The chain's last row at a moment; 0 and zeros where there was none yet."""

    seq: Annotated[int, Meta(ge=0)]
    hash: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z", description="SHA-256, in hexadecimal")]
    at: datetime


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    seq: int
    hash: str
    at: datetime
    jws: str


def written(anchor: Anchor, kid: str, key: Ed25519PrivateKey) -> str:
    """The file's text."""
    header = {"alg": _ALGORITHM, "kid": kid, "typ": _TYPE}
    words = msgspec.json.encode(anchor)
    signed = jws.serialize_compact(header, words, OKPKey.import_key(key), algorithms=[_ALGORITHM])
    return json.dumps(json.loads(words) | {"jws": signed}, indent=1) + "\n"


def read(text: bytes, key: Ed25519PublicKey) -> Anchor:
    """The anchor, if this key signed it; AnchorError otherwise."""
    try:
        file = msgspec.json.decode(text, type=_File)
        signed = jws.deserialize_compact(file.jws, OKPKey.import_key(key), algorithms=[_ALGORITHM])
        anchor = msgspec.json.decode(signed.payload, type=Anchor)
    except JoseError:
        raise AnchorError("not signed by this key") from None
    except (msgspec.MsgspecError, ValueError) as error:
        raise AnchorError(f"no anchor ({type(error).__name__})") from None
    if signed.headers().get("typ") != _TYPE:
        raise AnchorError("what was signed is no anchor")
    if (file.seq, file.hash, file.at) != (anchor.seq, anchor.hash, anchor.at):
        raise AnchorError("its words differ from what was signed")
    return anchor
