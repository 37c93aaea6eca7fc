"""Bytes to chip messages and back: UTF-8 JSON or CBOR, told apart by the first byte.

`decode` and `decode_presence` raise only BadMessage. Refuses: more than 16 KiB, white space before the object, bytes
after the object, NaN and infinities, unknown kinds. Knows no clock: what is late or in the future is decided by others.
"""

import io
import json
from typing import Any

import cbor2
import msgspec

from schemas.bad import BadMessage, BadReason
from schemas.chip import Message, Presence

MAX_BYTES = 16 * 1024

_message = msgspec.json.Decoder(Message)
_presence = msgspec.json.Decoder(Presence)


def decode(payload: bytes) -> Message:
    """The message in these bytes; BadMessage with a reason, and the key where it could be read."""
    if len(payload) > MAX_BYTES:
        _check_size(payload)
    if payload[:1] != b"{":
        return _from_cbor(payload)
    try:
        message: Message = _message.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise _bad(str(error), _json_key(payload)) from None
    return message


def decode_presence(payload: bytes) -> Presence:
    """The presence in these bytes; BadMessage otherwise."""
    _check_size(payload)
    try:
        if payload[:1] == b"{":
            return _presence.decode(payload)
        return msgspec.convert(_cbor_map(payload), Presence)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadMessage("invalid", str(error)) from None


def encode(message: msgspec.Struct, *, cbor: bool = False) -> bytes:
    """The bytes of a message; the inverse of decode."""
    if cbor:
        return cbor2.dumps(msgspec.to_builtins(message))
    return msgspec.json.encode(message)


def _check_size(payload: bytes) -> None:
    if len(payload) > MAX_BYTES:
        raise BadMessage("oversized", f"{len(payload)} bytes, the limit is {MAX_BYTES}")


def _from_cbor(payload: bytes) -> Message:
    document = _cbor_map(payload)
    try:
        message: Message = msgspec.convert(document, Message)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise _bad(str(error), document) from None
    return message


def _cbor_map(payload: bytes) -> dict[str, Any]:
    """The one CBOR map that fills the payload (major type 5 in the first byte)."""
    if not payload or payload[0] >> 5 != 5:
        raise BadMessage("undecodable", "neither a JSON object nor a CBOR map")
    stream = io.BytesIO(payload)
    try:
        # Decoding tags would build dates, big numbers and shared references out of a chip's bytes; none is in the protocol.
        document = cbor2.load(stream)
    except Exception as error:  # noqa: BLE001  a hostile payload can end in many errors, all mean the same
        raise BadMessage("undecodable", f"not CBOR: {type(error).__name__}") from None
    if stream.tell() != len(payload) or not isinstance(document, dict):
        raise BadMessage("undecodable", "bytes after the CBOR map")
    if not all(isinstance(key, str) for key in document):
        raise BadMessage("undecodable", "a CBOR key is not text")
    return document


def _json_key(payload: bytes) -> dict[str, Any] | None:
    """The fields of a JSON object that is not a message; the lenient reader also takes NaN, which chips do send."""
    try:
        document = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _bad(detail: str, document: dict[str, Any] | None) -> BadMessage:
    if document is None:
        return BadMessage("undecodable", detail)
    boot, seq = _whole(document.get("boot"), 2**31 - 1), _whole(document.get("seq"), 2**53 - 1)
    # msgspec says "Invalid value" of a tag outside the union, and "Invalid enum value" of a word outside a list.
    reason: BadReason = "unknown_kind" if detail.startswith("Invalid value") else "invalid"
    return BadMessage(reason, detail, boot, seq) if boot and seq else BadMessage(reason, detail)


def _whole(value: object, top: int) -> int | None:
    return value if type(value) is int and 1 <= value <= top else None
