"""Sessions: what a worker's hold on a machine adds up to, in any order of arrival."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from tests.core.stories import TICKET, lives, moment, samples
from weld.core import fold as folding
from weld.core import intake, session
from weld.core.detect import Lateness
from weld.core.fold import Fold, Reassemble, Terms, Touched
from weld.core.intake import Place, Progress
from weld.core.said import Booted, Closed, Opened, Said
from weld.core.session import Session

ONE = UUID(int=1)
TERMS = {TICKET: Terms(expires_ms=2_000_000_000_000, longest_s=14_400)}


def test_a_session_runs_from_contact_closed_to_contact_opened() -> None:
    known = session.assemble(
        [
            Closed(moment(1, 1, 0), ONE, TICKET),
            samples(moment(1, 2, 10_000), arc_ms=6_000, session=ONE),
            samples(moment(1, 3, 20_000), arc_ms=1_000, session=ONE),
            Opened(moment(1, 4, 20_000), ONE, "worker"),
        ]
    )
    assert known is not None
    assert (known.arc_ms, known.covered_ms, known.contact_ms, known.end_reason) == (7_000, 20_000, 20_000, "worker")
    assert session.standing(known, live=True, next_opened_ms=None, ends_ms=None, now_ms=0).state == "closed"


def test_a_missing_message_is_unknown_time_and_not_idle_time() -> None:
    known = session.assemble(
        [
            Closed(moment(1, 1, 0), ONE, TICKET),
            samples(moment(1, 3, 20_000), session=ONE),
            Opened(moment(1, 4, 20_000), ONE, "worker"),
        ]
    )
    assert known is not None
    assert known.contact_ms - known.covered_ms == 10_000


def test_a_clock_that_jumps_in_a_session_does_not_change_how_long_it_lasted() -> None:
    known = session.assemble(
        [
            Closed(moment(1, 1, 0), ONE, TICKET),
            Opened(moment(1, 2, 60_000, start_ms=1_999_000_000_000), ONE, "worker"),
        ]
    )
    assert known is not None
    assert known.contact_ms == 60_000


def test_a_short_power_loss_pauses_the_session_and_a_resumed_closing_goes_on() -> None:
    known = session.assemble(
        [
            Closed(moment(1, 1, 0), ONE, TICKET),
            samples(moment(1, 2, 10_000), session=ONE),
            Booted(moment(2, 1, 1_000), ONE, "open"),
            Closed(moment(2, 2, 2_000), ONE, TICKET, resumed=True),
            samples(moment(2, 3, 12_000), session=ONE),
            Opened(moment(2, 4, 12_000), ONE, "worker"),
        ]
    )
    assert known is not None
    assert (known.resumed, known.contact_ms, known.covered_ms) == (1, 20_000, 20_000)


def test_a_session_that_the_chip_left_for_another_is_superseded() -> None:
    known = session.assemble([Closed(moment(1, 1, 0), ONE, TICKET)])
    assert known is not None
    stands = session.standing(known, live=False, next_opened_ms=known.opened.at_ms + 5, ends_ms=None, now_ms=0)
    assert (stands.state, stands.reason, stands.closed_ms) == ("closed", "superseded", known.opened.at_ms + 5)


def test_silence_past_the_latest_end_closes_a_session_as_inferred() -> None:
    known = session.assemble([Closed(moment(1, 1, 0), ONE, TICKET)])
    assert known is not None
    end = known.opened.at_ms + 60_000

    def at(now_ms: int) -> str:
        return session.standing(known, live=True, next_opened_ms=None, ends_ms=end, now_ms=now_ms).state

    assert at(end + session.GRACE_MS + session.SILENCE_MS) == "open"
    assert at(end + session.GRACE_MS + session.SILENCE_MS + 1) == "inferred"


def test_a_session_without_a_ticket_of_ours_does_not_stay_open_for_ever() -> None:
    known = session.assemble([Closed(moment(1, 1, 0), ONE, None)])
    assert known is not None

    def at(now_ms: int) -> str:
        return session.standing(known, live=True, next_opened_ms=None, ends_ms=None, now_ms=now_ms).state

    assert at(known.last.at_ms + session.DAY_MS) == "open"
    assert at(known.last.at_ms + session.DAY_MS + session.SILENCE_MS + 1) == "inferred"


class Books:
    """The pipeline without I/O: new words step the fold, everything else is assembled again from what is stored."""

    def __init__(self) -> None:
        self.fold = Fold()
        self.progress = Progress()
        self.stored: dict[tuple[int, int], Said] = {}
        self.sessions: dict[UUID, Session] = {}

    def hear(self, word: Said) -> None:
        key = (word.when.boot, word.when.seq)
        where = intake.place(self.progress, *key)
        if key in self.stored:
            assert where is not Place.NEXT
            return
        assert where is not Place.SEEN
        self.stored[key] = word
        if where is Place.NEXT:
            self.fold, facts = folding.step(self.fold, word, Lateness("live"), TERMS)
            for fact in facts:
                match fact:
                    case Touched(known):
                        self.sessions[known.id] = known
                    case Reassemble(named):
                        self._reassemble(named)
        elif getattr(word, "session", None) is not None:
            self._reassemble(word.session)  # type: ignore[union-attr,arg-type]
        self.progress = intake.cover(self.progress, *key)

    def _reassemble(self, named: UUID) -> None:
        of_it = [w for _, w in sorted(self.stored.items()) if getattr(w, "session", None) == named]
        whole = session.assemble(of_it)
        if whole is None:  # only words that cannot open a session so far
            return
        self.sessions[named] = whole
        current = self.fold.session
        newest = current is None or current.id == named
        newest = newest or (whole.last.boot, whole.last.seq) > (current.last.boot, current.last.seq)  # type: ignore[union-attr]
        if newest:
            entitled = folding.licence(whole, TERMS)
            self.fold = Fold(whole, entitled, self.fold.episodes)


@given(lives(), st.randoms(use_true_random=False), st.booleans())
def test_any_order_of_arrival_gives_the_same_sessions(life: list[Said], dice: object, doubled: bool) -> None:
    true, shuffled = Books(), Books()
    for word in life:
        true.hear(word)
    arrivals = life * 2 if doubled else list(life)
    dice.shuffle(arrivals)  # type: ignore[attr-defined]
    for word in arrivals:
        shuffled.hear(word)
    assert shuffled.sessions == true.sessions
    assert intake.missing(shuffled.progress) == []
    for named, known in true.sessions.items():
        of_it = [w for w in life if getattr(w, "session", None) == named]
        assert session.assemble(of_it) == known
