"""What the platform signs for a chip: ticket and command (permit key), boot reply, stored and time (service key).

Compact JWS, one pinned algorithm, `kid` and `typ` in the header, `aud` = the chip. A chip accepts each key only for its own
kinds, so a stolen service key cannot open a relay. Refuses to hold keys: they are handed in.
Ed25519 as the algorithm's name follows RFC 9864, which withdrew the ambiguous "EdDSA".
"""

from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from msgspec import Meta, Struct

from schemas.bad import BadMessage
from schemas.chip import Boot, Nonce, Seq, UpMs, Uuid, WallMs

ALGORITHM = "Ed25519"

Seconds = Annotated[int, Meta(ge=0, le=4_102_444_800, description="Seconds since 1970-01-01 UTC, as JWT has them")]
ChipName = Annotated[str, Meta(pattern=r"^[A-Z0-9]{8,32}$")]
Floor = Annotated[int, Meta(ge=0, le=2**53 - 1)]
Presence = Literal["none", "button"]
Use = Literal["permit", "service"]


class Ticket(Struct, frozen=True, kw_only=True):
    """A permission to close the contact once (P18). `cmd` is the id that the result answers to.

    `exp` ends the work; `use_by` ends the click before it: an unlock that was stuck on its way is refused (P22). None = no such
    end, for tickets fetched in advance.
    """

    jti: Uuid
    cmd: Uuid
    aud: ChipName
    sub: Uuid
    nonce: Nonce | None
    nbf: Seconds
    exp: Seconds
    longest_s: Annotated[int, Meta(ge=1, le=86_400)]
    presence: Presence
    counter: Floor
    use_by: Seconds | None = None


class Command(Struct, frozen=True, kw_only=True):
    """An order that is not a ticket (P10, P22). Level 1 acts at once; others wait for the arc's end, at most `grace_s`."""

    id: Uuid
    aud: ChipName
    action: Literal["lock", "end"]
    level: Annotated[int, Meta(ge=1, le=4)]
    grace_s: Annotated[int, Meta(ge=0, le=600)]
    session: Uuid | None
    by: Literal["worker", "rule", "authority"]
    exp: Seconds
    floor: Floor


class BootReply(Struct, frozen=True, kw_only=True):
    """The answer to `boot` (P4, P16). `anchor` is the wall time in ms at which `up` was 0, fixed once for a boot."""

    aud: ChipName
    boot: Boot
    up: UpMs
    status: Literal["accepted", "pending", "rejected"]
    anchor: WallMs
    config_version: Annotated[int, Meta(ge=0, le=2**31 - 1)]
    heartbeat_s: Annotated[int, Meta(ge=1, le=86_400)]
    boot_floor: Boot | None


class Stored(Struct, frozen=True, kw_only=True):
    """Every seq up to `upto` of this boot is stored, in quarantine or declared lost (P13): the chip may forget it."""

    aud: ChipName
    boot: Boot
    upto: Seq


class Time(Struct, frozen=True, kw_only=True):
    """The server's time `at`, asked for at `up` of this boot (P16)."""

    aud: ChipName
    boot: Boot
    up: UpMs
    at: WallMs


Signed = Ticket | Command | BootReply | Stored | Time

KINDS: Mapping[type, tuple[str, Use]] = {
    Ticket: ("ticket", "permit"),
    Command: ("command", "permit"),
    BootReply: ("boot_reply", "service"),
    Stored: ("stored", "service"),
    Time: ("time", "service"),
}
S = TypeVar("S", Ticket, Command, BootReply, Stored, Time)


def _base64(data: bytes) -> bytes:
    return urlsafe_b64encode(data).rstrip(b"=")


class SigningKey:
    """A private key with its id; made by the process that alone holds it."""

    def __init__(self, kid: str, private: Ed25519PrivateKey) -> None:
        self.kid = kid
        self._private = private
        names = {kind: {"alg": ALGORITHM, "kid": kid, "typ": f"wg-{name}+jws"} for kind, (name, _) in KINDS.items()}
        self._headers = {kind: _base64(msgspec.json.encode(name)) for kind, name in names.items()}

    def sign(self, words: Signed) -> str:
        """A compact JWS (RFC 7515, 7.1). Ed25519 is deterministic: the same words give the same bytes.

        Put together here because ingest says thousands of `stored` in a second and the header never changes; a library verifies.
        """
        said = self._headers[type(words)] + b"." + _base64(msgspec.json.encode(words))
        return (said + b"." + _base64(self._private.sign(said))).decode()


class PinnedKeys:
    """The public keys that a chip pins at enrolment, by use and key id."""

    def __init__(self, permit: Mapping[str, Ed25519PublicKey], service: Mapping[str, Ed25519PublicKey]) -> None:
        self._keys: dict[tuple[Use, str], OKPKey] = {}
        for kid, key in permit.items():
            self._keys["permit", kid] = OKPKey.import_key(key)
        for kid, key in service.items():
            self._keys["service", kid] = OKPKey.import_key(key)

    def verify(self, token: str, kind: type[S], chip: str) -> S:
        """The words of this token if a key of the right use signed them for this chip; BadMessage otherwise."""
        name, use = KINDS[kind]
        header = _header(token)
        if header.get("alg") != ALGORITHM or header.get("typ") != f"wg-{name}+jws":
            raise BadMessage("bad_signature", "another algorithm or type than pinned")
        key = self._keys.get((use, str(header.get("kid"))))
        if key is None:
            raise BadMessage("bad_signature", f"no {use} key of this id")
        try:
            payload = jws.deserialize_compact(token, key, algorithms=[ALGORITHM]).payload
            words = msgspec.json.decode(payload, type=kind)
        except (JoseError, msgspec.MsgspecError, ValueError) as error:
            raise BadMessage("bad_signature", type(error).__name__) from None
        if words.aud != chip:
            raise BadMessage("bad_signature", "signed for another chip")
        return words


def _header(token: str) -> dict[str, Any]:
    try:
        header = jws.extract_compact(token.encode("ascii")).headers()
    except (JoseError, ValueError, AttributeError, TypeError) as error:
        raise BadMessage("bad_signature", type(error).__name__) from None
    return dict(header)
