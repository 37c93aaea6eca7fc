"""Order and coverage of a chip's stream."""

from hypothesis import given
from hypothesis import strategies as st

from weld.core import intake
from weld.core.intake import Place, Progress


def heard(*keys: tuple[int, int]) -> Progress:
    progress = Progress()
    for key in keys:
        progress = intake.cover(progress, *key)
    return progress


def test_p02_the_next_message_is_above_the_high_water_mark() -> None:
    progress = heard((1, 1), (1, 2))
    assert intake.place(progress, 1, 3) is Place.NEXT
    assert intake.place(progress, 1, 2) is Place.SEEN
    assert intake.place(progress, 2, 1) is Place.NEXT


def test_p14_a_jump_leaves_a_gap_and_what_fills_it_is_late() -> None:
    progress = heard((1, 1), (1, 5))
    assert intake.missing(progress) == [(1, 2, 4)]
    assert intake.place(progress, 1, 3) is Place.LATE
    assert intake.missing(intake.cover(progress, 1, 3)) == [(1, 2, 2), (1, 4, 4)]


def test_p13_only_what_has_no_hole_before_it_is_confirmed() -> None:
    assert intake.confirmed(heard((1, 1), (1, 2), (1, 5)), 1) == 2
    assert intake.confirmed(heard((1, 1), (1, 2), (1, 5), (1, 3), (1, 4)), 1) == 5
    assert intake.confirmed(heard((1, 2)), 1) == 0


def test_p14_a_range_declared_lost_is_waited_for_no_longer() -> None:
    progress = intake.forgo(heard((1, 1), (1, 9)), 1, 2, 8)
    assert intake.missing(progress) == []
    assert intake.confirmed(progress, 1) == 9


def test_the_tail_of_an_earlier_boot_is_late_and_not_lost() -> None:
    progress = heard((1, 1), (1, 2), (3, 1))
    assert intake.place(progress, 1, 3) is Place.LATE
    assert intake.place(progress, 2, 1) is Place.LATE
    assert intake.confirmed(intake.cover(progress, 2, 1), 2) == 1


def test_a_boot_too_old_to_be_remembered_is_asked_of_the_store() -> None:
    progress = heard(*((boot, 1) for boot in range(1, 20)))
    assert intake.place(progress, 3, 1) is Place.UNTRACKED


keys = st.lists(st.tuples(st.integers(1, 4), st.integers(1, 40)), max_size=80)


@given(keys)
def test_every_key_is_seen_once_it_was_covered_and_never_before(order: list[tuple[int, int]]) -> None:
    progress, covered = Progress(), set[tuple[int, int]]()
    for key in order:
        where = intake.place(progress, *key)
        assert (where is Place.SEEN) == (key in covered) or where is Place.UNTRACKED
        progress = intake.cover(progress, *key)
        covered.add(key)


@given(keys, st.integers(1, 4))
def test_what_is_confirmed_was_covered_without_a_hole(order: list[tuple[int, int]], boot: int) -> None:
    progress = heard(*order)
    upto = intake.confirmed(progress, boot)
    assert all((boot, seq) in order for seq in range(1, upto + 1))


@given(st.permutations(list(range(1, 200))))
def test_many_gaps_stay_bounded_and_close_again(order: list[int]) -> None:
    progress = Progress()
    for seq in order:
        progress = intake.cover(progress, 1, seq)
        assert len(progress.gaps) <= intake.MOST_GAPS
    assert intake.confirmed(progress, 1) <= 199
