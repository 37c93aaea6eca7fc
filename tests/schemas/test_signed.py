"""What the platform signs: each key for its own kinds, each word for its own chip."""

import base64
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from schemas.bad import BadMessage
from schemas.signed import Command, PinnedKeys, SigningKey, Stored, Ticket

PERMIT, SERVICE = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
PINNED = PinnedKeys({"p1": PERMIT.public_key()}, {"s1": SERVICE.public_key()})
ID = "0192f3a1-7b6c-7def-8a01-23456789abcd"
TICKET = Ticket(
    jti=ID,
    cmd=ID,
    aud="CHIP0001",
    sub=ID,
    nonce="n" * 16,
    nbf=0,
    exp=2_000_000_000,
    longest_s=60,
    presence="none",
    counter=1,
)
STORED = Stored(aud="CHIP0001", boot=1, upto=9)


def test_a_signed_word_is_taken_back_whole() -> None:
    assert PINNED.verify(SigningKey("p1", PERMIT).sign(TICKET), Ticket, "CHIP0001") == TICKET
    assert PINNED.verify(SigningKey("s1", SERVICE).sign(STORED), Stored, "CHIP0001") == STORED


def test_the_same_words_give_the_same_bytes() -> None:
    key = SigningKey("p1", PERMIT)
    assert key.sign(TICKET) == key.sign(TICKET)


@pytest.mark.parametrize("kid", ["p1", "s1", "x"])
def test_p18_a_ticket_signed_with_the_service_key_is_refused(kid: str) -> None:
    with pytest.raises(BadMessage, match="bad_signature"):
        PINNED.verify(SigningKey(kid, SERVICE).sign(TICKET), Ticket, "CHIP0001")


def test_a_word_for_another_chip_is_refused() -> None:
    with pytest.raises(BadMessage, match="another chip"):
        PINNED.verify(SigningKey("p1", PERMIT).sign(TICKET), Ticket, "CHIP0002")


def test_a_ticket_is_not_taken_for_a_command() -> None:
    with pytest.raises(BadMessage, match="type"):
        PINNED.verify(SigningKey("p1", PERMIT).sign(TICKET), Command, "CHIP0001")


def test_no_other_algorithm_is_accepted() -> None:
    head, body, tail = SigningKey("p1", PERMIT).sign(TICKET).split(".")
    for algorithm in ("none", "HS256", "EdDSA"):
        header = json.loads(base64.urlsafe_b64decode(head + "==")) | {"alg": algorithm}
        forged = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()
        with pytest.raises(BadMessage, match="algorithm"):
            PINNED.verify(f"{forged}.{body}.{tail}", Ticket, "CHIP0001")


@pytest.mark.parametrize("token", ["", "a", "a.b", "a.b.c", "....", "ä.ö.ü", "e30.e30.e30"])
def test_rubbish_is_a_bad_message(token: str) -> None:
    with pytest.raises(BadMessage):
        PINNED.verify(token, Ticket, "CHIP0001")
