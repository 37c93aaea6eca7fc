"""The audit's chain as literal bytes, and what breaks it."""

import hashlib

import pytest

from weld.core.chain import START, Break, Link, Row, canonical, ended, follow, hash_of, resume, walk

FIRST_BYTES = (
    b"16:weldgate audit 1,1:1,16:1763812800000001,12:officer:0192,15:machine.blocked,17:410502A000000001H,"
    b'15:{"reason": "x"},'
)
FIRST_HASH = bytes.fromhex("ad16b628cd8fe056362b651f0e3e800dd5c0882829a7206693181d52f5cffae2")
SECOND_BYTES = b"16:weldgate audit 1,1:2,2:-1,13:worker:\xe7\x84\x8a\xe5\xb7\xa5,14:unlock.granted,7:1:2,3:\n,2:{},"
SECOND_HASH = bytes.fromhex("a48b4e6b72209242a07f483f7bec8a86e82114d34ee83ffb37f92d6c88f5871d")

FIRST = Row(
    1,
    1763812800000001,
    "officer:0192",
    "machine.blocked",
    "410502A000000001H",
    '{"reason": "x"}',
    bytes(32),
    FIRST_HASH,
)
SECOND = Row(2, -1, "worker:焊工", "unlock.granted", "1:2,3:\n", "{}", FIRST_HASH, SECOND_HASH)


def chained(*rows: Row) -> list[Row]:
    """The same rows, numbered and hashed anew: what a forger who knows the code would write."""
    link, made = START, []
    for row in rows:
        fresh = row._replace(seq=link.seq + 1, before=link.hash)
        made.append(fresh._replace(hash=hash_of(fresh)))
        link = Link(fresh.seq, hash_of(fresh))
    return made


def broken(rows: list[Row], anchors: dict[int, bytes] | None = None) -> Break | None:
    last = list(walk(START, rows, anchors or {}))[-1]
    return last if isinstance(last, Break) else None


def test_what_is_hashed_is_the_hash_before_and_each_field_with_its_length_in_bytes() -> None:
    assert (canonical(FIRST), canonical(SECOND)) == (FIRST_BYTES, SECOND_BYTES)
    assert hashlib.sha256(bytes(32) + FIRST_BYTES).digest() == hash_of(FIRST) == FIRST_HASH
    assert hashlib.sha256(FIRST_HASH + SECOND_BYTES).digest() == hash_of(SECOND) == SECOND_HASH


def test_words_that_move_from_one_field_to_the_next_change_the_bytes() -> None:
    moved = FIRST._replace(actor="officer:0192,15:machine", action=".blocked")
    assert canonical(moved) != canonical(FIRST)
    assert canonical(FIRST._replace(actor="a,1:b", action="c")) != canonical(FIRST._replace(actor="a", action="b,1:c"))


def test_rows_that_follow_lead_to_the_last_ones_place() -> None:
    assert list(walk(START, [FIRST, SECOND], {2: SECOND_HASH})) == [Link(1, FIRST_HASH), Link(2, SECOND_HASH)]
    assert list(walk(Link(1, FIRST_HASH), [SECOND], {})) == [Link(2, SECOND_HASH)]
    assert list(walk(START, [], {})) == []


@pytest.mark.parametrize(
    "changed",
    [
        {"at_us": 1763812800000002},
        {"at_us": None},
        {"actor": "officer:0193"},
        {"action": "machine.unblocked"},
        {"subject": "410502A000000002H"},
        {"detail": '{"reason": "y"}'},
        {"detail": '{"reason":"x"}'},
        {"detail": None},
        {"hash": bytes(32)},
        {"hash": None},
        {"before": FIRST_HASH},
        {"before": None},
    ],
)
def test_a_changed_field_breaks_the_chain_at_its_row(changed: dict[str, object]) -> None:
    found = follow(START, FIRST._replace(**changed))  # type: ignore[arg-type]
    assert isinstance(found, Break)
    assert found.seq == 1


def test_a_row_that_is_missing_or_put_in_breaks_the_chain_there() -> None:
    rows = chained(FIRST, SECOND, FIRST, SECOND)
    assert broken(rows) is None
    assert broken([rows[0], *rows[2:]]) == Break(2, "row 2", "row 3")
    put_in = rows[1]._replace(actor="forged")
    found = broken([rows[0], put_in, *rows[2:]])
    assert found is not None
    assert found.seq == 2
    whole = chained(FIRST, FIRST, SECOND, FIRST, SECOND)
    assert broken(whole) is None
    found = broken(whole, {4: rows[3].hash or b""})
    assert found == Break(
        4, f"the anchored hash {(rows[3].hash or b'').hex()}", f"the hash {(whole[3].hash or b'').hex()}"
    )


def test_from_an_anchored_row_on_the_chain_holds_alone_if_that_row_is_as_it_was() -> None:
    rows = chained(FIRST, SECOND, FIRST)
    anchor = Link(2, rows[1].hash or b"")
    assert [place.seq for place in resume(anchor, iter(rows[1:]))] == [2, 3]
    for left in ([], rows[2:], chained(SECOND, SECOND, FIRST)[1:]):
        assert [(type(place), place.seq) for place in resume(anchor, iter(left))] == [(Break, 2)]
    assert [type(place) for place in resume(anchor, iter([rows[1]]))] == [Link]


def test_an_end_before_the_head_or_an_anchor_is_a_tail_cut_off() -> None:
    place = Link(1, FIRST_HASH)
    assert ended(place, place, {1: FIRST_HASH}) is None
    assert ended(START, START, {}) is None
    for head, anchors, seq in (
        (Link(2, SECOND_HASH), {}, 2),
        (START, {}, 1),
        (Link(1, SECOND_HASH), {}, 2),
        (None, {}, 2),
        (place, {2: SECOND_HASH}, 2),
    ):
        found = ended(place, head, anchors)
        assert found is not None, (head, anchors)
        assert found.seq == seq
