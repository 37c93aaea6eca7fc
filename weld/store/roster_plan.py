"""What entering a roster would do: each row weighed against what the register has, before anything is written.

No statement runs here; what it says of a chunk is its preview and, written by rosters.py, its import. A row is entered as a whole
or not at all. Refuses to reach outside of the scope of whoever brought the rows, and an enterprise's word that its own
certificates were verified.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Literal
from uuid import UUID

from weld.core.act import entered
from weld.core.certificate import Registered
from weld.core.law import Words
from weld.core.roster import Field, Mistake, Paper
from weld.store import fields
from weld.store.registers import Outcome
from weld.store.rosters import (
    Known,
    KnownPaper,
    KnownWorker,
    PaperToPut,
    Place,
    Row,
    Sealed,
    WorkerToPut,
    place_of,
    sealed_papers,
    sealed_workers,
)
from weld.store.vault import Vault

_NO_DIVISION = Words(
    "没有这个行政区划：请先登记，或填上企业", "there is no such division: enter it first, or name an enterprise"
)
_NO_ENTERPRISE = Words(
    "没有这个企业，或不在您的管辖范围：请先登记企业", "there is no such enterprise in your scope: enter it first"
)
_NOT_HERE = Words("不在您的管辖范围", "lies outside your scope")
_OTHERS = Words(
    "这个人登记在您的管辖范围之外：请对方先转出", "is registered outside your scope: have him moved from there first"
)
_PHONE = Words("手机号属于另一个人：请先改那个人的", "belongs to another worker: give that one another phone first")
_HOLDER = Words(
    "这个证书属于另一个人：请核对原件", "is the certificate of another worker: compare it with the original"
)
_TWICE = Words("与前面同一个人的行不一致", "differs from an earlier row of the same person")
_TWICE_PAPER = Words("与前面同一个证书的行不一致", "differs from an earlier row of the same certificate")


class Plan:
    """What becomes of some rows: what is wrong with them, what to add and what to change."""

    def __init__(self, known: Known, vault: Vault, new_id: Callable[[], UUID], *, trusted: bool) -> None:
        self._known = known
        self._vault = vault
        self._new_id = new_id
        self._trusted = trusted
        self._met: dict[bytes, WorkerToPut] = {}
        self._phones: dict[bytes, bytes] = {}
        self._papers: dict[tuple[str, bytes, str], PaperToPut] = {}
        self.mistakes: dict[int, tuple[Mistake, ...]] = {}
        self.outcomes: Counter[Outcome | Literal["bad"]] = Counter()
        self.new_workers: list[WorkerToPut] = []
        self.changed_workers: list[WorkerToPut] = []
        self.new_papers: list[PaperToPut] = []
        self.changed_papers: list[PaperToPut] = []

    def add(self, rows: Sequence[Row]) -> None:
        """Weigh these rows, one after the other."""
        for row in rows:
            self._add(row)

    def refuse(self, number: int, mistakes: tuple[Mistake, ...]) -> None:
        """A row in which something is wrong."""
        self.mistakes[number] = mistakes
        self.outcomes["bad"] += 1

    def sealed(self) -> Sealed:
        """What is to be written, sealed."""
        return Sealed(
            sealed_workers(self._vault, self.new_workers),
            sealed_workers(self._vault, self.changed_workers),
            sealed_papers(self._vault, self.new_papers),
            sealed_papers(self._vault, self.changed_papers),
        )

    def _add(self, row: Row) -> None:
        place = place_of(row.entry.person, self._known.enterprises, self._known.own)
        wrong = [*self._place_mistakes(row, place), *self._person_mistakes(row, place), *self._paper_mistakes(row)]
        if wrong or place is None:
            self.refuse(row.number, tuple(wrong))
            return
        worker, of_worker = self._worker(row, place)
        of_paper = None if row.entry.paper is None else self._paper(row, row.entry.paper, worker)
        self.outcomes[_heavier(of_worker, of_paper)] += 1

    def _place_mistakes(self, row: Row, place: Place | None) -> list[Mistake]:
        person = row.entry.person
        if person.enterprise is not None and person.enterprise not in self._known.enterprises:
            return [_mistake("enterprise", "unknown", _NO_ENTERPRISE)]
        if place is None or place.division not in self._known.divisions:
            return [_mistake("division", "unknown", _NO_DIVISION)]
        return [] if place in self._known.in_scope else [_mistake("division", "scope", _NOT_HERE)]

    def _person_mistakes(self, row: Row, place: Place | None) -> list[Mistake]:
        found, met, wrong = self._known.workers.get(row.identity), self._met.get(row.identity), []
        if found is not None and found.place not in self._known.in_scope:
            wrong.append(_mistake("identity", "scope", _OTHERS))
        if met is not None and (met.name, met.phone, met.place) != (
            row.entry.person.name,
            row.entry.person.phone,
            place,
        ):
            wrong.append(_mistake(None, "differs", _TWICE))
        holders = {self._known.phones.get(row.phone), self._phones.get(row.phone)} - {None, row.identity}
        if holders:
            wrong.append(_mistake("phone", "taken", _PHONE))
        return wrong

    def _paper_mistakes(self, row: Row) -> list[Mistake]:
        paper = row.entry.paper
        if paper is None or row.paper is None:
            return []
        key = (paper.kind, row.paper, paper.item)
        found, met = self._known.papers.get(key), self._papers.get(key)
        worker = self._known.workers.get(row.identity)
        if found is not None and (worker is None or worker.id != found.worker):
            return [_mistake("number", "holder", _HOLDER)]
        if met is None:
            return []
        before = self._met.get(row.identity)
        if before is None or before.id != met.worker:
            return [_mistake("number", "holder", _HOLDER)]
        same = self._wanted(paper, row.paper, met.id, met.worker, found) == met
        return [] if same else [_mistake(None, "differs", _TWICE_PAPER)]

    def _worker(self, row: Row, place: Place) -> tuple[UUID, Outcome]:
        met = self._met.get(row.identity)
        if met is not None:
            return met.id, "unchanged"
        person, found = row.entry.person, self._known.workers.get(row.identity)
        worker = WorkerToPut(
            self._new_id() if found is None else found.id,
            place,
            person.name,
            person.identity,
            row.identity,
            person.phone,
            row.phone,
        )
        self._met[row.identity], self._phones[row.phone] = worker, row.identity
        if found is None:
            self.new_workers.append(worker)
            return worker.id, "created"
        if self._same_worker(worker, found):
            return worker.id, "unchanged"
        self.changed_workers.append(worker)
        return worker.id, "updated"

    def _same_worker(self, worker: WorkerToPut, found: KnownWorker) -> bool:
        # After a rotation of keys the next import seals again, even where nothing else has changed.
        return (
            found.place == worker.place
            and found.phone_index == worker.phone_index
            and self._vault.is_current(fields.WORKER_IDENTITY, found.identity_sealed)
            and self._vault.open(fields.WORKER_NAME, found.id, found.name_sealed) == worker.name
        )

    def _paper(self, row: Row, paper: Paper, worker: UUID) -> Outcome:
        index = row.paper or b""
        key = (paper.kind, index, paper.item)
        if key in self._papers:
            return "unchanged"
        found = self._known.papers.get(key)
        wanted = self._wanted(paper, index, self._new_id() if found is None else found.id, worker, found)
        self._papers[key] = wanted
        if found is None:
            self.new_papers.append(wanted)
            return "created"
        fresh = self._vault.is_current(fields.CERTIFICATE_NUMBER, found.number_sealed)
        if fresh and _same_paper(wanted, found):
            return "unchanged"
        self.changed_papers.append(wanted)
        return "updated"

    def _wanted(self, paper: Paper, index: bytes, number: UUID, worker: UUID, found: KnownPaper | None) -> PaperToPut:
        """The certificate as the row wants it. What an enterprise brings of its own has to be verified by somebody else, and what
        was withdrawn stays so."""
        kept: Registered = "verified" if found is None else found.status
        claimed = kept if paper.status is None or not self._trusted else entered(kept, paper.status)
        wanted = PaperToPut(
            number, worker, paper.kind, paper.number, index, paper.category, paper.item, paper.valid_from, paper.valid_to,
            paper.review_due, claimed, paper.issuer,
        )  # fmt: skip
        if self._trusted or (found is not None and _same_paper(wanted, found)):
            return wanted
        return wanted._replace(status="unverified") if kept == "verified" else wanted


def _same_paper(wanted: PaperToPut, found: KnownPaper) -> bool:
    # The plain number is what it was found by, and its seal differs every time.
    return (*wanted[:3], *wanted[4:]) == (*found[:4], *found[5:])


def _heavier(of_worker: Outcome, of_paper: Outcome | None) -> Outcome:
    """A row that makes anything is new, one that changes anything is changed."""
    both = (of_worker, of_paper)
    return "created" if "created" in both else "updated" if "updated" in both else "unchanged"


def _mistake(field: Field | None, code: str, words: Words) -> Mistake:
    return Mistake(field, code, words)
