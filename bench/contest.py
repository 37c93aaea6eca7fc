"""Measurements on one site: throughput against the rivals (G1), samples (G4), delay (G5), memory without a database (G7).

Rounds of all contenders take turns within one run, so that a slow minute of the machine is a slow minute for all. Refuses single
rounds as a result: medians.
"""

import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import rivals, usage
from bench.feeder import Feeder
from bench.goals import Measured, middle
from bench.ground import ONE_SESSION, new_broker
from bench.publisher import Load
from bench.rounds import Course, Outcome
from bench.scale import Scale
from bench.site import Site
from weld.kit.clock import SystemClock
from weld.store import load

Say = Callable[[str], None]


class Contest:
    """The measurements of one site, whose machines are: those of the mix, and two groups for samples."""

    def __init__(self, site: Site, scale: Scale, say: Say) -> None:
        self.site = site
        self._scale = scale
        self._say = say
        self._mix: Course | None = None
        self._ceiling: float | None = None

    @property
    def mix(self) -> Course:
        """The realistic mix of all machines."""
        if self._mix is None:
            self._mix = self.site.course(0, self._scale.chips)
        return self._mix

    def ceiling(self) -> float:
        """What the product takes at most, messages a second."""
        if self._ceiling is None:
            self._ceiling = self._round("product", self.mix).rate
        return self._ceiling

    def throughput(self) -> Measured:
        """G1: product against fan-in; the paho pipeline beside them."""
        with ExitStack() as exits:
            folder = Path(exits.enter_context(TemporaryDirectory(prefix="weldgate-bench-")))
            courses = {"product": self.mix, **self._rivals(exits, folder)}
            found: dict[str, list[Outcome]] = {name: [] for name in courses}
            for turn in range(self._scale.rounds):
                for name, course in courses.items():
                    found[name].append(self._round(f"G1 {turn + 1}/{self._scale.rounds} {name}", course))
        rates = {name: [one.rate for one in outcomes] for name, outcomes in found.items()}
        self._ceiling = middle(rates["product"])
        ratios = [a / b for a, b in zip(rates["product"], rates["fan_in"], strict=True)]
        details = {
            "rates": rates,
            "of_paho": middle([a / b for a, b in zip(rates["product"], rates["paho"], strict=True)]),
            "cpu_us": {name: outcomes[-1].cpu_us for name, outcomes in found.items()},
        }
        return Measured("G1", middle(ratios), details)

    def samples(self) -> Measured:
        """G4: samples a second in words of ten, against words of one."""
        group = self._scale.group
        courses = {
            count: self.site.course(self._scale.chips + place * group, group, count)
            for place, count in enumerate((1, 10))
        }
        rates: dict[int, list[float]] = {1: [], 10: []}
        for turn in range(self._scale.rounds):
            for count, course in courses.items():
                name = f"G4 {turn + 1}/{self._scale.rounds} words of {count}"
                rates[count].append(self._round(name, course).rate * count)
        ratios = [ten / one for one, ten in zip(rates[1], rates[10], strict=True)]
        return Measured("G4", middle(ratios), {"samples_per_s": {str(count): found for count, found in rates.items()}})

    def delay(self) -> Measured:
        """G5: from a word's own time, which is when it was published, to the commit of its row, at half the ceiling."""
        rate, clock = self.ceiling() / 2, SystemClock()
        self._say(f"G5: {rate:,.0f} a second for {self._scale.paced_s:.0f} s")
        since = clock.now() + timedelta(seconds=2)
        self.mix.paced(rate, self._scale.paced_s)
        found = load.commit_delay(self.site.owner_url, since, clock.now())
        self._say(f"G5: p50 {found.p50_ms:.1f} ms, p99 {found.p99_ms:.1f} ms of {found.messages} messages")
        details = {"p50_ms": round(found.p50_ms, 1), "most_ms": round(found.most_ms, 1), "messages": found.messages}
        return Measured("G5", round(found.p99_ms, 1), details | {"rate": round(rate)})

    def outage(self) -> Measured:
        """G7: the most memory of ingest while the database is dead and the chips go on; and that nothing is missing then."""
        scale, child, feeder = self._scale, self.site.product.child.process.pid, self.mix.feeder
        before, sent_before = sum(load.stored(self.site.owner_url)[:2]), feeder.report()["sent"]
        usage.forget_peak(child)
        feeder.pace(scale.outage_rate)
        time.sleep(scale.paced_s / 4)
        self._say(f"G7: {scale.outage_rate} a second, and the database is killed for {scale.outage_s:.0f} s")
        self.site.ground.postgres.kill()
        rss_before = usage.rss_mb(child)
        time.sleep(scale.outage_s)
        feeder.pace(0)
        peak_mb = usage.peak_mb(child)
        began_s = time.monotonic()
        self.site.ground.postgres.start()
        sent = feeder.report()["sent"] - sent_before
        missing = self._await_rows(before + sent)
        details = {
            "before_mb": round(rss_before, 1),
            "after_mb": round(usage.peak_mb(child), 1),
            "sent": sent,
            "missing": missing,
            "caught_up_s": round(time.monotonic() - began_s, 1),
        }
        return Measured("G7", round(peak_mb, 1), details)

    def _await_rows(self, wanted: int) -> int:
        """How many rows are missing in the end."""
        until_s = time.monotonic() + 300
        while (missing := wanted - sum(load.stored(self.site.owner_url)[:2])) and time.monotonic() < until_s:
            self._say(f"G7: {missing} messages are on their way")
            time.sleep(2)
        return missing

    def _rivals(self, exits: ExitStack, folder: Path) -> dict[str, Course]:
        courses = {}
        for name in ("fan_in", "paho"):
            broker = exits.enter_context(new_broker({}, ONE_SESSION))
            if name == "fan_in":
                rival = exits.enter_context(rivals.fan_in(broker, folder))
            else:
                rival = exits.enter_context(rivals.paho_pipeline(broker, self.site.ground.role_url("ingest"), folder))
            feeder = exits.enter_context(Feeder(Load(self._scale.chips), broker))
            processes = {name: rival.pid, "mosquitto": broker.pid or 0, "publisher": feeder.pid}
            if name == "paho":
                processes["postgres"] = self.site.product.processes["postgres"]
            courses[name] = Course(feeder, rival.done, processes)
        return courses

    def _round(self, name: str, course: Course) -> Outcome:
        outcome = course.run(self._scale.warm_s, self._scale.round_s)
        cpu = ", ".join(f"{process} {us:.1f}" for process, us in outcome.cpu_us.items())
        self._say(f"{name}: {outcome.rate:,.0f} a second (us: {cpu})")
        return outcome
