"""Made-up lives of one chip, as words in true order, for tests of the core."""

from uuid import UUID

from hypothesis import strategies as st

from weld.core.said import ArcBegan, Booted, Closed, Moment, Opened, Said, Sampled

TICKET = UUID(int=7 << 64)
START_MS = 1_764_000_000_000


def moment(boot: int, seq: int, up_ms: int, start_ms: int = START_MS) -> Moment:
    """A moment whose wall clock runs with `up`, ten minutes a boot."""
    return Moment(boot, seq, up_ms, start_ms + boot * 600_000 + up_ms)


def samples(
    when: Moment,
    span_ms: int = 10_000,
    arc_ms: int = 0,
    contact: str | None = "closed",
    session: UUID | None = None,
    ticket: UUID | None = None,
    covered_ms: int | None = None,
) -> Sampled:
    """A run of samples that ends at `when`."""
    return Sampled(
        when,
        from_ms=when.at_ms - span_ms,
        from_up=when.up_ms - span_ms,
        covered_ms=span_ms if covered_ms is None else covered_ms,
        arc_ms=arc_ms,
        energy_wh=arc_ms / 1000.0,
        peak_a=180.0 if arc_ms else None,
        contact=contact,  # type: ignore[arg-type]
        session=session,
        ticket=ticket,
        arc_from_ms=when.at_ms - span_ms if arc_ms else None,
        arc_to_ms=when.at_ms if arc_ms else None,
    )


@st.composite
def lives(draw: st.DrawFn) -> list[Said]:
    """A chip's life: idle, sessions with samples and arcs, reboots within and between sessions."""
    words: list[Said] = []
    boot, seq, up = 1, 0, 0
    session: UUID | None = None
    sessions = 0

    def when() -> Moment:
        nonlocal seq, up
        seq += 1
        up += 10_000
        return moment(boot, seq, up)

    for deed in draw(
        st.lists(st.sampled_from(["idle", "start", "work", "arc", "end", "reboot", "pause"]), max_size=25)
    ):
        match deed:
            case "idle" | "work":
                words.append(samples(when(), session=session, contact="closed" if session else "open"))
            case "arc" if session:
                at = when()
                words.append(ArcBegan(at, at.at_ms - 100, "closed", session, 170.0))
                words.append(samples(when(), arc_ms=9_000, session=session))
            case "start" if session is None:
                sessions += 1
                session = UUID(int=sessions)
                words.append(Closed(when(), session, TICKET))
            case "end" if session:
                words.append(Opened(when(), session, "worker"))
                session = None
            case "pause" if session:
                words.append(Opened(when(), session, "power_loss"))
                boot, seq, up = boot + 1, 0, 0
                words.append(Booted(when(), session, "open"))
                words.append(Closed(when(), session, TICKET, resumed=True))
            case "reboot":
                boot, seq, up = boot + 1, 0, 0
                words.append(Booted(when(), session, "open"))
                if session:
                    words.append(Opened(when(), session, "resume_expired"))
                    session = None
    return words
