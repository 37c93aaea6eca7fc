"""The made-up city: enterprises, machines with their chips, workers with their papers, and who works where and when.

Everything follows from the number of machines and a number of its own for each of them, so that the same city is made at every
start and a larger one contains the smaller. Check digits are right. Refuses to hold an account that anybody signs in with
by hand: those are in accounts.py.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from hashlib import sha256
from typing import Any, Literal, NamedTuple

from weld.cli.demo import places
from weld.cli.demo.places import MAKERS, MODELS, PLACES, TRADES, Model, Work
from weld.core import identity, plate
from weld.core.shard import shard_of

SHARDS = 16
TRY = 6  # machines for the hands of whoever watches
FEWEST, MOST = 12, 20_000

Role = Literal["try", "overrun", "city"]
Papers = Literal["good", "expiring", "expired", "overdue", "wrong_item", "fake", "none"]

ISSUER = {
    "operation": "河南省应急管理厅",
    "construction": "河南省住房和城乡建设厅",
    "equipment": "安阳市市场监督管理局",
}
_PAPERS: tuple[tuple[float, Papers], ...] = (
    (0.82, "good"),
    (0.88, "expiring"),
    (0.92, "expired"),
    (0.95, "overdue"),
    (0.975, "wrong_item"),
    (0.985, "fake"),
    (1.0, "none"),
)
_KIND = {"ordinary": "operation", "building": "construction", "special_equipment": "equipment"}


class Enterprise(NamedTuple):
    """An invented company and the point around which its machines stand."""

    name: str
    credit_code: str
    division: str
    work: Work
    lat: float
    lon: float


class Machine(NamedTuple):
    """One machine; `number` is what everything about it follows from."""

    number: int
    role: Role
    plate: str
    chip: str
    enterprise: Enterprise
    model: Model
    work: Work
    presence: Literal["none", "button"]
    longest_s: int | None
    lat: float
    lon: float

    @property
    def tail(self) -> str:
        """The four characters that people compare."""
        return self.plate[-4:]


class Worker(NamedTuple):
    """An invented worker; the phone is how he signs in."""

    name: str
    identity: str
    phone: str
    division: str
    credit_code: str | None
    work: Work
    papers: Papers


class Shift(NamedTuple):
    """A worker at a machine, in hours of the day."""

    worker: Worker
    since_h: float
    until_h: float


class Crew(NamedTuple):
    """Who works at a machine today. `unplugs`: they pull the plug when they go."""

    machine: Machine
    shifts: tuple[Shift, ...]
    unplugs: bool


# What each of the machines to try is there for; all of them stand in one training workshop.
_TRIES: tuple[tuple[int, Work, Literal["none", "button"], int | None], ...] = (
    (0, "ordinary", "none", None),
    (2, "ordinary", "none", None),
    (4, "ordinary", "button", None),
    (1, "building", "none", None),
    (5, "special_equipment", "none", None),
    (3, "ordinary", "none", 120),
)


def invented_identity(division: str, born: date, number: int) -> str:
    """An identity number with the right check; nobody was given it by us."""
    first = f"{division}{born:%Y%m%d}{number:03d}"
    return first + identity.identity_check(first)


# Those who act in stories, so that nobody's ordinary day is disturbed by one.
def _cast(number: int, name: str, papers: Papers) -> Worker:
    his = invented_identity("410502", date(1980, 3, number), 990 + number)
    return Worker(name, his, f"1990000090{number}", "410502", None, "ordinary", papers)


CAST: Mapping[str, Worker] = {
    "expired": _cast(1, "贾样戏", "expired"),
    "overrun": _cast(2, "郝样戏", "good"),
    "offline": _cast(3, "尹样戏", "good"),
}


@dataclass(frozen=True)
class City:
    """The city with so many machines, as it is on a day."""

    machines_wanted: int
    today: date

    @cached_property
    def enterprises(self) -> list[Enterprise]:
        """All of them, however small the fleet is."""
        found: list[Enterprise] = []
        for place in PLACES:
            for number in range(place.enterprises):
                found.append(_enterprise(place, number, len(found)))
        return found

    @cached_property
    def machines(self) -> list[Machine]:
        """In the order of their numbers: those to try, those with a short permission, the others."""
        return [self._machine(number) for number in range(self.machines_wanted)]

    @cached_property
    def workers(self) -> list[Worker]:
        """One for each machine of the city, a second one for every sixth, and those who act in stories."""
        usual = [worker for machine in self.machines if machine.role != "try" for worker in self.workers_of(machine)]
        return [*usual, *CAST.values()]

    @cached_property
    def crews(self) -> list[Crew]:
        """Who works today: a good third of a small city, a twelfth of a large one."""
        able = [m for m in self.machines if m.role == "city" and self.workers_of(m)[0].papers == "good"]
        wanted = min(round(len(able) * 0.45), 100 + len(able) // 13)
        chosen = sorted(able, key=lambda machine: _dice("crew", machine.number).random())[:wanted]
        return [self._crew(machine) for machine in chosen]

    def workers_of(self, machine: Machine) -> list[Worker]:
        """Who belongs to a machine; the first one is the usual one."""
        first = _worker(machine, 0)
        return [first, _worker(machine, 1)] if machine.number % 6 == 0 else [first]

    def _machine(self, number: int) -> Machine:
        dice = _dice("machine", number)
        role = self._role(number)
        if role == "try":
            model_number, work, presence, longest_s = _TRIES[number]
            where = self.enterprises[0]
        else:
            where = self.enterprises[1 + dice.randrange(len(self.enterprises) - 1)]
            model_number = dice.choices(range(len(MODELS)), (6, 3, 5, 2, 2, 1))[0]
            work = "ordinary" if role == "overrun" else where.work
            presence, longest_s = "button" if dice.random() < 0.03 and role == "city" else "none", None
        model = MODELS[model_number]
        return Machine(
            number, role, plate.make(where.division, model.kind, 200_001 + number), f"WGDEMO{number:06d}", where, model, work,
            presence, 60 if role == "overrun" else longest_s,
            round(where.lat + dice.gauss(0, 0.0007), 6), round(where.lon + dice.gauss(0, 0.0008), 6),
        )  # fmt: skip

    def _role(self, number: int) -> Role:
        """The first ones are to try; then every fiftieth, so that a larger city does not change a smaller one."""
        if number < TRY:
            return "try"
        return "overrun" if number % 50 == TRY else "city"

    def _crew(self, machine: Machine) -> Crew:
        dice, workers = _dice("shift", machine.number), self.workers_of(machine)
        late = dice.random()
        if len(workers) > 1:  # hand-over after lunch
            change_h = 14.5 + dice.uniform(-0.3, 0.3)
            spans = [(6.3 + late, change_h), (change_h + 0.1, 21.5 + late)]
        elif late < 0.15:
            spans = [(6.5, 11.5), (17.5 + late, 22.3)]
        else:
            spans = [(6.8 + 1.6 * late, 11.5 + dice.random()), (13.2 + late / 2, 17.2 + dice.random())]
        shifts = [Shift(workers[n % len(workers)], *span) for n, span in enumerate(spans)]
        return Crew(machine, tuple(shifts), unplugs=dice.random() < 0.5)

    def off_hours(self, machine: Machine) -> tuple[tuple[float, float], ...]:
        """When a machine without a crew stands unplugged: most never do, one in eight for half of the day."""
        dice = _dice("off", machine.number)
        if machine.role != "city" or dice.random() > 0.125:
            return ()
        since_h = dice.uniform(6, 17)
        return ((since_h, since_h + dice.uniform(3, 7)),)

    def seed(self) -> dict[str, Any]:
        """The registers as a seed file holds them."""
        return {
            "divisions": places.divisions(),
            "enterprises": [
                {"name": one.name, "credit_code": one.credit_code, "division": one.division} for one in self.enterprises
            ],
            "chips": [
                {"chip": one.chip, "model": "WG-SIM-1", "shard": shard_of(one.chip, SHARDS), "profile": 0}
                for one in self.machines
            ],
            "machines": [_machine_entry(one) for one in self.machines],
            "workers": [worker_entry(one) for one in self.workers],
            "certificates": [paper for one in self.workers if (paper := self.certificate(one)) is not None],
        }

    def certificate(self, worker: Worker) -> dict[str, Any] | None:
        """What a worker holds; None for nothing."""
        if worker.papers == "none":
            return None
        dice, kind = _dice("paper", worker.phone), _KIND[worker.work]
        since, until, review = _dates(self.today, worker.papers, kind, dice)
        paper = {
            "kind": kind,
            "identity": worker.identity,
            "number": _certificate_number(worker, kind),
            "category": {"operation": "焊接与热切割作业", "construction": "建筑施工特种作业", "equipment": "特种设备作业"}[kind],
            "item": _item(worker.papers, kind),
            "valid_from": since.isoformat(),
            "valid_to": until.isoformat(),
            "issuer": ISSUER[kind],
            "status": "suspected_fake" if worker.papers == "fake" else "verified",
        }  # fmt: skip
        return paper if review is None else paper | {"review_due": review.isoformat()}


def _enterprise(place: places.Place, number: int, nth: int) -> Enterprise:
    dice = _dice("enterprise", nth)
    trade = TRADES[(nth * 5 + number) % len(TRADES)] if nth else TRADES[0]
    lat, lon = place.centres[number % len(place.centres)]
    return Enterprise(
        f"{place.short}样例{trade.zh}有限公司",
        _credit_code(place.code, nth),
        place.code,
        trade.work,
        round(lat + dice.uniform(-0.009, 0.009), 6),
        round(lon + dice.uniform(-0.010, 0.010), 6),
    )


def _credit_code(division: str, nth: int) -> str:
    """GB 32100 with an organisation code inside, which has a check of its own (GB 11714)."""
    body = f"MADEM{nth:03d}"
    first = f"91{division}{body}{identity.organisation_check(body)}"
    return first + identity.credit_check(first)


def _worker(machine: Machine, nth: int) -> Worker:
    dice, number = _dice("worker", machine.number, nth), machine.number
    name = dice.choice(places.SURNAMES) + "样" + dice.choice(places.GIVEN)
    born = date(1971, 1, 1) + timedelta(days=number * 7919 % 12_000)
    share = 0.0 if nth else dice.random()  # a second worker has good papers: he takes over
    papers = next(papers for limit, papers in _PAPERS if share < limit)
    return Worker(
        name,
        invented_identity(machine.enterprise.division, born, 10 * nth + number // 12_000),
        f"199{1 + nth}0{number:06d}",
        machine.enterprise.division,
        machine.enterprise.credit_code,
        machine.work,
        papers,
    )


def worker_entry(worker: Worker) -> dict[str, Any]:
    """A worker as a seed file holds him."""
    return {
        "name": worker.name,
        "identity": worker.identity,
        "phone": worker.phone,
        "division": worker.division,
        "enterprise": worker.credit_code,
    }


def _machine_entry(machine: Machine) -> dict[str, Any]:
    return {
        "plate": machine.plate,
        "division": machine.enterprise.division,
        "enterprise": machine.enterprise.credit_code,
        "maker": MAKERS[machine.number % len(MAKERS)],
        "model": machine.model.name,
        "serial": f"YL{machine.number:06d}",
        "rated_a": machine.model.rated_a,
        "work": machine.work,
        "presence": machine.presence,
        "longest_s": machine.longest_s,
        "lat": machine.lat,
        "lon": machine.lon,
        "chip": machine.chip,
    }


def _certificate_number(worker: Worker, kind: str) -> str:
    if kind == "operation":
        return f"T{worker.identity}"
    return f"豫E04{worker.phone[3:]}" if kind == "construction" else f"TS6EYL{worker.phone[3:]}"


def _item(papers: Papers, kind: str) -> str:
    if papers == "wrong_item":
        return {"operation": "压力焊作业", "construction": "建筑架子工", "equipment": "锅炉水处理作业"}[kind]
    return {"operation": "熔化焊接与热切割作业", "construction": "建筑电焊工", "equipment": "金属焊接操作"}[kind]


def _dates(today: date, papers: Papers, kind: str, dice: random.Random) -> tuple[date, date, date | None]:
    """From, to, and the next re-examination (operation certificates: every three years; the others: none of their own)."""
    lasts, review = {"operation": (6, 3), "construction": (2, None), "equipment": (4, None)}[kind]
    since = today - timedelta(days=dice.randrange(20, 300))
    if papers == "expiring":
        since = today + timedelta(days=dice.randrange(8, 55)) - timedelta(days=365 * (review or lasts))
    elif papers == "expired" or (papers == "overdue" and review is None):
        since = today - timedelta(days=365 * lasts + dice.randrange(20, 400))
    elif papers == "overdue":
        since = today - timedelta(days=365 * 3 + dice.randrange(20, 400))
    until = since + timedelta(days=365 * lasts - 1)
    return since, until, None if review is None else since + timedelta(days=365 * review - 1)


def _dice(*purpose: object) -> random.Random:
    mark = sha256("|".join(map(str, ("anyang", *purpose))).encode()).digest()
    return random.Random(mark)  # noqa: S311  (the city must be the same every time)
