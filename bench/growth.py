"""Cost and memory by the number of known machines (G8), and one group of shards against many. Sites take turns within one run."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace

from bench import usage
from bench.goals import Measured, middle
from bench.rounds import Course, Outcome
from bench.scale import Scale, Turns
from bench.site import Site

Say = Callable[[str], None]


def machines(scale: Scale, say: Say) -> Measured:
    """G8: CPU of ingest a message with messages spread over all known machines, and its memory for a million of them.

    No more messages are on their way than the fewer machines of the growth are: as in life, hardly any has two waiting,
    and a batch holds as many machines of few as of a million. In a backlog (`growth_in_backlog`) the words of few machines
    share what is done once a machine and batch, which makes few cheaper and a million not.
    """
    with ExitStack() as exits:
        sites = {}
        for size in scale.sizes:
            say(f"G8: {size} machines are entered and read")
            sites[size] = exits.enter_context(Site.open(size))
        started_mb = {size: round(usage.rss_mb(_pid(site)), 1) for size, site in sites.items()}
        courses = {size: site.course() for size, site in sites.items()}
        few, most = scale.sizes[1], scale.sizes[-1]
        first = {size: course.reach(size).cpu_us["ingest"] for size, course in courses.items()}
        say(f"G8: every machine has spoken once; us of ingest for that: {first}")
        spread = {size: replace(course, ahead=few) for size, course in courses.items()}
        found = _in_turns(spread, scale.short, say, "G8")
        backlog = _in_turns({size: courses[size] for size in (few, most)}, scale.short, say, "G8 in a backlog")
        confirmed = {size: round(site.product.confirmations() / site.product.done(), 3) for size, site in sites.items()}
        worked_mb = {size: round(usage.rss_mb(_pid(site)), 1) for size, site in sites.items()}
    growths, in_backlog = (_growths(_costs(turns), few, most) for turns in (found, backlog))
    value = {
        "mb_per_million": round(worked_mb[most] * 1e6 / most, 1),  # all of the process, not only what grows
        "growth_10k_to_1m": middle(growths),
    }
    details = {
        "growths": growths,
        "growth_in_backlog": middle(in_backlog),
        "growths_in_backlog": in_backlog,
        "us_per_message": {size: middle(of_it) for size, of_it in _costs(found).items()},
        "us_per_message_in_backlog": {size: middle(of_it) for size, of_it in _costs(backlog).items()},
        "us_per_first_message": first,
        "stored_per_message": confirmed,
        "rates": {size: middle([one.rate for one in outcomes]) for size, outcomes in found.items()},
        "started_mb": started_mb,
        "worked_mb": worked_mb,
    }
    return Measured("G8", value, details)


def _costs(found: Mapping[int, list[Outcome]]) -> dict[int, list[float]]:
    return {size: [one.cpu_us["ingest"] for one in outcomes] for size, outcomes in found.items()}


def _growths(costs: Mapping[int, list[float]], few: int, most: int) -> list[float]:
    """Within each turn, for a machine that others use too is fast in one minute and slow in the next."""
    return [round(many / some - 1, 3) for some, many in zip(costs[few], costs[most], strict=True)]


def sessions(scale: Scale, say: Say) -> Measured:
    """Rate and the broker's CPU with the shards in one group (one broker session), in as many as usual, and each for itself."""
    with ExitStack() as exits:
        sites = {groups: exits.enter_context(Site.open(scale.chips, groups=groups)) for groups in (1, 8, 64)}
        found = _in_turns({groups: site.course() for groups, site in sites.items()}, scale.long, say, "sessions")
    rates = {groups: [one.rate for one in outcomes] for groups, outcomes in found.items()}
    broker_us = {groups: middle([one.cpu_us["mosquitto"] for one in outcomes]) for groups, outcomes in found.items()}
    ratios = [many / one for one, many in zip(rates[1], rates[8], strict=True)]
    return Measured("sessions", middle(ratios), {"rates": rates, "broker_us": broker_us})


def _in_turns(courses: Mapping[int, Course], turns: Turns, say: Say, name: str) -> dict[int, list[Outcome]]:
    found: dict[int, list[Outcome]] = {size: [] for size in courses}
    for turn in range(turns.rounds):
        for size, course in courses.items():
            outcome = course.run(turns.warm_s, turns.lasting_s)
            found[size].append(outcome)
            cpu_us = outcome.cpu_us["ingest"]
            say(f"{name} {turn + 1}/{turns.rounds} {size}: {outcome.rate:,.0f} a second, {cpu_us:.2f} us of ingest")
    return found


def _pid(site: Site) -> int:
    return site.product.child.process.pid
