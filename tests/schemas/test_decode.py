"""Decoding: raises BadMessage and nothing else, and takes back exactly what was encoded."""

from typing import Any

import cbor2
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import chip as wire
from schemas import topics
from schemas.bad import BadMessage
from schemas.decode import MAX_BYTES, decode, decode_presence, encode
from schemas.down import decode_down
from weld.core import said


def only_bad_message(reader: Any, payload: bytes) -> None:
    try:
        reader(payload)
    except BadMessage:
        return


@given(st.binary(max_size=400))
def test_any_bytes_are_a_message_or_a_bad_message(payload: bytes) -> None:
    for reader in (decode, decode_presence, decode_down):
        only_bad_message(reader, payload)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(
    st.dictionaries(
        st.sampled_from(["kind", "boot", "seq", "at", "up", "clock", "event", "state", "current_a"])
        | st.text(max_size=5),
        json_values | st.sampled_from(["boot", "telemetry", "event", "log", "synced"]),
        max_size=10,
    )
)
def test_any_object_in_either_encoding_is_a_message_or_a_bad_message(document: dict[str, Any]) -> None:
    only_bad_message(decode, cbor2.dumps(document))
    try:
        text = msgspec.json.encode(document)
    except (OverflowError, msgspec.MsgspecError, UnicodeEncodeError):
        return
    only_bad_message(decode, text)


numbers = st.none() | st.floats(-2000, 2000)


@given(
    seq=st.integers(1, 2**53 - 1),
    at=st.none() | st.integers(0, 4_102_444_800_000),
    samples=st.lists(st.tuples(numbers, numbers, numbers, st.none() | st.integers(0, 1000)), max_size=20),
    late=st.booleans(),
    cbor=st.booleans(),
)
def test_what_was_encoded_is_decoded(seq: int, at: int | None, samples: list[Any], late: bool, cbor: bool) -> None:
    columns = [list(column) for column in zip(*samples, strict=True)] or [[], [], [], []]
    message = wire.Telemetry(
        boot=1, seq=seq, at=at, up=5, clock="synced", late=late, from_up=0, current_a=columns[0], peak_a=columns[1],
        voltage_v=columns[2], arc_ms=columns[3], state="locked", contact=None, energy_wh=None, mains=None,
    )  # fmt: skip
    assert decode(encode(message, cbor=cbor)) == message


def test_unknown_fields_of_newer_firmware_are_ignored() -> None:
    payload = (
        b'{"kind":"log","boot":1,"seq":2,"at":null,"up":1,"clock":"unset","level":"info","text":"x","mood":"good"}'
    )
    assert decode(payload).seq == 2


def test_the_key_of_a_bad_message_is_kept_where_it_can_be_read() -> None:
    with pytest.raises(BadMessage) as refused:
        decode(b'{"kind":"telemetry","boot":3,"seq":9,"up":NaN}')
    assert (refused.value.boot, refused.value.seq) == (3, 9)


def test_a_message_of_more_than_16_kib_is_oversized() -> None:
    with pytest.raises(BadMessage, match="oversized"):
        decode(b"{" + b" " * MAX_BYTES)


@pytest.mark.parametrize(
    "topic",
    [
        "wg/1/0/CHIP0001/up",
        "wg/1/0G/CHIP0001/up",
        "wg/1/00/chip0001/up",
        "wg/1/00/A/up",
        "wg/1/00/CHIP0001/down/x",
        "wg/2/00/CHIP0001/up",
        "wg/1/00/CHIP+001/up",
        "wg/1/00/CHIP0001/up\n",
    ],
)
def test_a_topic_that_is_not_ours_is_refused(topic: str) -> None:
    with pytest.raises(BadMessage, match="bad_topic"):
        topics.parse(topic)


def test_the_codes_of_the_wire_and_of_the_rules_agree() -> None:
    """Rooms may not import each other, so their closed lists are written twice; this keeps them one."""
    from typing import get_args

    assert get_args(wire.Contact) == get_args(said.Contact)
