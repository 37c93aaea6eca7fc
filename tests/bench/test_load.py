"""Registers for load are those that the streams speak of; counters and publisher do what the rounds believe."""

import os
from pathlib import Path

import pytest

from bench import domain_path, usage
from bench.counter import Counter
from bench.domain_path import heard_once
from bench.feeder import Feeder
from bench.ground import new_broker
from bench.publisher import Load
from bench.rivals import fan_in
from bench.rounds import Course
from simulator.stream import chip_name, shard_of, ticket_of, works
from tests.database import Database
from weld.store import load


def test_the_registers_hold_the_chips_of_the_streams(database: Database) -> None:
    load.fill(database.url("owner"), 0, 250, shards=16, heard=heard_once())
    chips = database.rows("SELECT chip, shard FROM weld.chip ORDER BY chip_no")
    assert chips == [(chip_name(number), shard_of(number, 16)) for number in range(250)]
    grants = database.rows("SELECT chip, id::text FROM weld.unlock_grant WHERE state = 'live' ORDER BY chip")
    assert grants == [(chip_name(number), ticket_of(number)) for number in range(250) if works(number, 10)]
    assert database.rows("SELECT count(*), min(seq), max(seq) FROM weld.chip_state") == [(250, 1, 1)]
    bound = "weld.machine m JOIN weld.binding b USING (plate, chip) JOIN weld.enterprise e ON e.id = m.enterprise"
    assert database.rows(f"SELECT count(*) FROM {bound}") == [(250,)]


def test_filling_goes_on_where_it_stopped_and_clearing_forgets(database: Database) -> None:
    for first, count in ((0, 100), (100, 50), (100, 50)):
        load.fill(database.url("owner"), first, count, shards=4, heard=heard_once())
    assert database.rows("SELECT count(*) FROM weld.chip_state JOIN weld.chip_boot USING (chip_no)") == [(150,)]
    load.clear(database.url("owner"))
    assert database.rows("SELECT count(*) FROM weld.chip") == [(0,)]
    assert load.stored(database.url("owner")) == (0, 0, 0, 0, 0)


def test_the_domain_path_runs_the_mix_without_a_finding() -> None:
    cost = domain_path.measure(2 * domain_path.BATCH)
    assert cost.total_us == pytest.approx(sum(cost[1:]), abs=0.01)
    assert min(cost) > 0


def test_a_counter_is_seen_by_others(tmp_path: Path) -> None:
    writer, reader = Counter(tmp_path / "count"), Counter(tmp_path / "count")
    writer.value = 7
    assert reader.value == 7


def test_every_message_reaches_the_c_subscriber_in_closed_loop_and_paced(tmp_path: Path) -> None:
    with new_broker({}) as broker, fan_in(broker, tmp_path) as rival, Feeder(Load(100), broker) as feeder:
        course = Course(feeder, rival.done, {"fan_in": rival.pid}, ahead=2000)
        outcome = course.run(0.2, 0.5)
        assert outcome.rate > 0
        assert outcome.messages > 0
        assert rival.done() == feeder.report()["sent"] == feeder.report()["acknowledged"]
        paced = course.paced(500, 1.0)
        assert 400 <= paced.messages <= 600


def test_the_memory_of_a_process_is_read() -> None:
    assert 5 < usage.rss_mb(os.getpid()) <= usage.peak_mb(os.getpid())
