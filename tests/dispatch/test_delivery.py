"""From the fact to the receiver: once, in order, signed, whatever breaks in between."""

import asyncio
import sys
import time
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest
from pydantic import ValidationError

from dispatch.main import serve
from dispatch.settings import DispatchSettings
from schemas.webhook import AlertWebhook
from tests.dispatch.scene import VAULT, Scene, new_secret
from weld.cli.webhook_sink import Failures, WebhookSink
from weld.core.retry import Policy
from weld.kit.clock import SystemClock
from weld.store import dispatch as store
from weld.store.connect import Conn, connect


async def test_an_alert_reaches_its_endpoint_signed_and_within_a_second(scene: Scene) -> None:
    key = new_secret()
    async with WebhookSink(key) as sink, scene.running(dispatch_poll_s=5.0):
        scene.endpoint(sink.url, key)
        alert = scene.alert(evidence={"peak_a": 180.5, "contact": "open"})
        announced = time.monotonic()
        await asyncio.to_thread(scene.announce, alert)
        hook = await sink.wait_for(lambda hook: hook.body["data"]["alert"] == str(alert), 5)
        took_s = time.monotonic() - announced
        await scene.until_delivered(1)
    body = AlertWebhook.model_validate_json(hook.text)
    assert (body.type, body.data.code, body.data.level, body.data.name_zh) == (
        "alert.opened",
        "D01",
        1,
        "疑似改装（绕过芯片）",
    )
    assert (body.data.plate, body.data.chip, body.data.division) == ("410502A000000001H", "WG0000000001", "410502")
    assert (body.data.live, body.data.occurrences, body.data.evidence) == (
        True,
        1,
        {"peak_a": 180.5, "contact": "open"},
    )
    assert took_s < 1.0
    assert scene.deliveries("id, state, payload") == [(UUID(hook.id), "delivered", hook.text)]
    assert scene.database.rows("SELECT status, error FROM weld.attempt") == [(204, None)]


async def test_an_endpoint_that_fails_three_times_gets_it_once_under_the_same_id(scene: Scene) -> None:
    key = new_secret()
    async with WebhookSink(key, Failures(first=3, status=500)) as sink, scene.running():
        scene.endpoint(sink.url, key)
        await asyncio.to_thread(scene.announce, scene.alert())
        hook = await sink.wait_for(lambda _: True, 10)
        await scene.until_delivered(1)
        await asyncio.sleep(0.3)
    assert [call.status for call in sink.calls] == [500, 500, 500, 204]
    assert {call.id for call in sink.calls} == {hook.id}
    assert len(sink.received) == 1
    assert scene.database.rows("SELECT number, status FROM weld.attempt ORDER BY number") == [
        (1, 500),
        (2, 500),
        (3, 500),
        (4, 204),
    ]
    assert scene.database.rows("SELECT count(*) FROM weld.endpoint_health") == [(0,)]


async def test_the_same_bytes_are_sent_again_although_the_alert_has_changed(scene: Scene) -> None:
    key = new_secret()
    async with WebhookSink(key, Failures(first=2)) as sink, scene.running(retry_delays_s=(0.3,)):
        scene.endpoint(sink.url, key)
        alert = scene.alert()
        await asyncio.to_thread(scene.announce, alert)
        await scene.until("SELECT count(*) FROM weld.attempt", 1)
        scene.close(alert)
        hook = await sink.wait_for(lambda _: True, 10)
        await scene.until_delivered(1)
    assert hook.body["data"]["closed_at"] is None


async def test_a_dead_endpoint_holds_up_nobody(scene: Scene) -> None:
    key = new_secret()
    alerts = [scene.alert() for _ in range(40)]
    async with (
        WebhookSink(key, Failures(first=-1, delay_s=60)) as hanging,
        WebhookSink(key) as live,
        scene.running(webhooks_at_once=8, webhooks_per_endpoint=4, webhook_timeout_s=20.0),
    ):
        scene.endpoint(hanging.url, key)
        scene.endpoint("http://127.0.0.1:1/", key)  # nobody listens there
        scene.endpoint(live.url, key)
        begun = time.monotonic()
        for alert in alerts:
            await asyncio.to_thread(scene.announce, alert)
        await scene.until_delivered(40)
        took_s = time.monotonic() - begun
        assert hanging.most_at_once <= 4
        begun = time.monotonic()
    assert time.monotonic() - begun < 10.0  # with four attempts hanging, too
    assert took_s < 8.0
    assert len(live.received) == 40
    assert live.most_at_once <= 4


async def test_an_endpoint_that_keeps_failing_gets_one_attempt_at_a_time_and_all_when_it_is_back(scene: Scene) -> None:
    key = new_secret()
    async with WebhookSink(key, Failures(first=-1, delay_s=0.1)) as sink, scene.running(retry_delays_s=(0.2, 30.0)):
        scene.endpoint(sink.url, key)
        for _ in range(10):
            await asyncio.to_thread(scene.announce, scene.alert())
        await scene.until("SELECT count(*) FROM weld.delivery WHERE attempts >= 2", 10)
        sink.most_at_once = 0
        await asyncio.to_thread(scene.announce, scene.alert())
        await scene.until("SELECT count(*) FROM weld.delivery WHERE attempts >= 1", 11)
        assert sink.most_at_once <= 1
        sink.failures.first = 0
        await scene.until_delivered(11)  # although most of them were put off by 30 s
    assert len(sink.received) == 11


async def test_a_closing_never_overtakes_its_opening(scene: Scene) -> None:
    key = new_secret()
    alert, other = scene.alert(), scene.alert()
    async with WebhookSink(key, Failures(first=2)) as sink, scene.running(retry_delays_s=(0.3,)):
        scene.endpoint(sink.url, key)
        await asyncio.to_thread(scene.announce, alert)
        await scene.until("SELECT count(*) FROM weld.attempt", 1)
        scene.close(alert)
        await asyncio.to_thread(scene.announce, alert, "alert.closed")
        await asyncio.to_thread(scene.announce, other)
        await scene.until_delivered(3)
    told = [(hook.body["type"], hook.body["data"]["alert"]) for hook in sink.received]
    assert told.index(("alert.opened", str(alert))) < told.index(("alert.closed", str(alert)))
    [closing] = [hook for hook in sink.received if hook.body["type"] == "alert.closed"]
    assert closing.body["data"]["outcome"] == "confirmed"


async def test_two_processes_never_send_the_same_delivery_at_the_same_time(scene: Scene) -> None:
    key = new_secret()
    async with WebhookSink(key, Failures(delay_s=0.02)) as sink, scene.running(), scene.running(), scene.running():
        scene.endpoint(sink.url, key)
        scene.endpoint(sink.url, key, division="41")
        for _ in range(50):
            await asyncio.to_thread(scene.announce, scene.alert())
        await scene.until_delivered(100, seconds=30)
    assert len(sink.calls) == len(sink.received) == 100
    assert scene.database.rows("SELECT count(*), max(number) FROM weld.attempt") == [(100, 1)]
    assert sink.most_at_once <= 8  # four for each endpoint, over all processes


async def test_a_process_killed_between_the_post_and_its_record_sends_again_under_the_same_id(scene: Scene) -> None:
    key = new_secret()
    async with WebhookSink(key, Failures(delay_s=1.0)) as sink:
        scene.endpoint(sink.url, key)
        scene.announce(scene.alert())
        killed = await _killed_while_posting(scene, sink)
        sink.failures.delay_s = 0.0
        async with scene.running():
            await scene.until_delivered(1, seconds=15)
    assert killed.returncode == -9
    assert len(sink.calls) >= 2
    assert len({call.id for call in sink.calls}) == 1
    assert len(sink.received) == 1
    assert scene.deliveries() == [("delivered", 2)]


async def _killed_while_posting(scene: Scene, sink: WebhookSink) -> asyncio.subprocess.Process:
    program = f"""
import asyncio
from dispatch.main import Dispatcher
from dispatch.settings import DispatchSettings
from weld.kit.clock import SystemClock
from weld.store.vault import Vault
settings = DispatchSettings(webhook_allow="127.0.0.0/8", delivery_lease_s=1.0)
vault = Vault("k1", {{"k1": b"k" * 32}}, b"i" * 32)
asyncio.run(Dispatcher(settings, {scene.database.url("dispatch")!r}, vault, SystemClock()).run(asyncio.Event()))
"""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program)
    await sink.wait_for(lambda _: True, 20)
    process.kill()
    await process.wait()
    return process


async def test_a_clean_stop_finishes_what_is_under_way(scene: Scene) -> None:
    key = new_secret()
    async with WebhookSink(key, Failures(delay_s=0.5)) as sink:
        scene.endpoint(sink.url, key)
        async with scene.running():
            await asyncio.to_thread(scene.announce, scene.alert())
            await sink.wait_for(lambda _: True, 5)
    assert scene.deliveries() == [("delivered", 1)]


async def test_what_does_not_end_in_time_is_given_back_at_once(scene: Scene) -> None:
    key = new_secret()
    async with WebhookSink(key, Failures(delay_s=5.0)) as sink:
        scene.endpoint(sink.url, key)
        async with scene.running(webhook_timeout_s=20.0, webhook_finish_s=0.2):
            await asyncio.to_thread(scene.announce, scene.alert())
            await sink.wait_for(lambda _: True, 5)
    assert scene.deliveries("state, leased_until, next_at <= clock_timestamp()") == [("pending", None, True)]
    assert scene.database.rows("SELECT error FROM weld.attempt") == [("stopped",)]
    assert scene.database.rows("SELECT count(*) FROM weld.endpoint_health") == [(0,)]


async def test_a_delivery_that_failed_for_too_long_is_dead_and_the_next_one_still_goes(scene: Scene) -> None:
    key = new_secret()
    async with WebhookSink(key, Failures(first=-1, status=404)) as sink, scene.running(retry_give_up_after_s=0.3):
        scene.endpoint(sink.url, key)
        await asyncio.to_thread(scene.announce, scene.alert())
        await scene.until("SELECT state FROM weld.delivery", "dead")
        sink.failures.first = 0
        await asyncio.to_thread(scene.announce, scene.alert())
        await scene.until_delivered(1)
    assert [state for state, _ in scene.deliveries()] == ["dead", "delivered"]


async def test_410_disables_the_endpoint_and_cancels_what_waits_for_it(scene: Scene) -> None:
    key = new_secret()
    async with WebhookSink(key, Failures(first=1, status=410)) as sink, scene.running():
        endpoint = scene.endpoint(sink.url, key)
        alert = scene.alert()
        with psycopg.connect(scene.database.url("ingest")) as conn:
            scene.announce_on(conn, alert)
            scene.announce_on(conn, alert, "alert.closed")
        await scene.until("SELECT state FROM weld.endpoint", "disabled")
        await asyncio.to_thread(scene.announce, scene.alert())
        await scene.until("SELECT count(*) FROM weld.expansion", 3)
    assert [state for state, _ in scene.deliveries()] == ["dead", "cancelled"]
    assert len(sink.calls) == 1
    assert scene.database.rows("SELECT id FROM weld.endpoint") == [(endpoint,)]


async def test_retry_after_holds_the_whole_endpoint(scene: Scene) -> None:
    key = new_secret()
    busy = Failures(first=1, status=429, headers={"Retry-After": "2"})
    async with WebhookSink(key, busy) as sink, scene.running():
        scene.endpoint(sink.url, key)
        begun = time.monotonic()
        await asyncio.to_thread(scene.announce, scene.alert())
        await scene.until("SELECT count(*) FROM weld.attempt", 1)
        await asyncio.to_thread(scene.announce, scene.alert())
        await scene.until_delivered(2)
    assert time.monotonic() - begun >= 2.0
    assert [call.status for call in sink.calls] == [429, 204, 204]


async def test_a_paused_endpoint_queues_and_gets_everything_when_it_goes_on(scene: Scene) -> None:
    key = new_secret()
    async with WebhookSink(key) as sink, scene.running():
        scene.endpoint(sink.url, key, state="paused")
        for _ in range(3):
            await asyncio.to_thread(scene.announce, scene.alert())
        await scene.until("SELECT count(*) FROM weld.delivery", 3)
        await asyncio.sleep(0.3)
        assert sink.calls == []
        scene.database.rows("UPDATE weld.endpoint SET state = 'active'")
        await scene.until_delivered(3)


async def test_endpoints_get_what_lies_below_them_and_what_they_asked_for(scene: Scene) -> None:
    key = new_secret()
    async with WebhookSink(key) as sink, scene.running():
        province = scene.endpoint(sink.url, key, division="41")
        scene.endpoint(sink.url, key, division="410502", codes=["E02"])
        scene.endpoint(sink.url, key, state="disabled")
        await asyncio.to_thread(scene.announce, scene.alert("D01"))
        await asyncio.to_thread(scene.announce, scene.alert("D05", division=None))
        await asyncio.to_thread(scene.announce, scene.alert("E02", division="4105"))
        await scene.until("SELECT count(*) FROM weld.expansion", 3)
        await scene.until_delivered(3)
    assert {endpoint for (endpoint,) in scene.deliveries("endpoint")} == {province}


async def test_what_was_learnt_of_late_pages_nobody_and_our_own_lateness_is_marked(scene: Scene) -> None:
    key = new_secret()
    async with WebhookSink(key) as sink, scene.running():
        scene.endpoint(sink.url, key)
        await asyncio.to_thread(scene.announce, scene.alert(historical=True))
        late = scene.alert(late_by_ms=45_000)
        await asyncio.to_thread(scene.announce, late)
        await scene.until("SELECT count(*) FROM weld.expansion", 2)
        await scene.until_delivered(1)
    [hook] = sink.received
    assert (hook.body["data"]["live"], hook.body["data"]["late_by_ms"]) == (False, 45_000)


async def test_a_fact_that_commits_late_with_a_lower_number_is_not_missed(scene: Scene) -> None:
    key = new_secret()
    early, late = scene.alert(), scene.alert()
    async with WebhookSink(key) as sink, scene.running():
        scene.endpoint(sink.url, key)
        with psycopg.connect(scene.database.url("ingest")) as slow:
            await asyncio.to_thread(scene.announce_on, slow, late)  # takes its number, does not commit yet
            await asyncio.to_thread(scene.announce, early)
            await sink.wait_for(lambda hook: hook.body["data"]["alert"] == str(early), 5)
            await asyncio.sleep(0.5)  # many polls with nothing new
            slow.commit()
        await sink.wait_for(lambda hook: hook.body["data"]["alert"] == str(late), 5)
        await scene.until_delivered(2)
    numbers = scene.database.rows("SELECT subject FROM weld.outbox ORDER BY id")
    assert numbers == [(late,), (early,)]


async def test_two_that_expand_the_same_fact_make_one_delivery(scene: Scene) -> None:
    key = new_secret()
    endpoint, alert = scene.endpoint("http://127.0.0.1:1/", key), scene.alert()
    scene.announce(alert)
    conn = await connect(scene.database.url("dispatch"), "test")
    async with conn:
        [fact] = await store.new_facts(conn, "0", [], 10)
        for _ in range(2):
            async with conn.transaction():
                await store.add_delivery(conn, uuid4(), endpoint, fact, "{}")
                await store.mark_expanded(conn, fact.id)
        assert await store.new_facts(conn, "0", [], 10) == []
    assert len(scene.deliveries()) == 1


async def test_an_expired_lease_is_taken_over_and_the_late_result_changes_nothing(scene: Scene) -> None:
    endpoint = scene.endpoint("http://127.0.0.1:1/", new_secret())
    scene.announce(scene.alert())
    conn = await connect(scene.database.url("dispatch"), "test")
    async with conn:
        [fact] = await store.new_facts(conn, "0", [], 10)
        await store.add_delivery(conn, uuid4(), endpoint, fact, "{}")
        first = await _lease(conn, lease_s=0.0)
        second = await _lease(conn, lease_s=30.0)
        assert await _lease(conn, lease_s=30.0) == []
        await store.postpone(conn, first[0].id, first[0].attempts, 3600.0)
    assert [row.attempts for row in (*first, *second)] == [1, 2]
    assert scene.deliveries("attempts, leased_until > now()") == [(2, True)]


async def _lease(conn: Conn, lease_s: float) -> list[store.LeasedRow]:
    async with conn.transaction():
        await store.guard(conn, "lease")
        after = Policy().one_at_a_time_after
        return await store.lease(conn, limit=10, per_endpoint=4, one_at_a_time_after=after, lease_s=lease_s)


PERSONAL = {
    "worker": "0190f0f0-0000-7000-8000-000000000000",
    "name": "张三",
    "note": "持证人 410502199001010014, 电话 13900000001, 证号T410502199001010014",
    "deep": [{"phone": "13900000001", "text": "+8613900000001"}],
    "peak_a": 180.0,
    "at_ms": 1767600000000,
    "chip": "WG0000000001",
}


async def test_nothing_personal_leaves_even_where_the_evidence_held_it(scene: Scene) -> None:
    key = new_secret()
    async with WebhookSink(key) as sink, scene.running():
        scene.endpoint(sink.url, key)
        await asyncio.to_thread(scene.announce, scene.alert(evidence=PERSONAL))
        hook = await sink.wait_for(lambda _: True, 5)
        await scene.until_delivered(1)
    for text in ("410502199001010014", "13900000001", "张三", "0190f0f0", "worker"):
        assert text not in hook.text
    assert hook.body["data"]["evidence"] == {
        "note": "持证人 ***, 电话 ***, 证号T***",
        "deep": [{"text": "***"}],
        "peak_a": 180.0,
        "at_ms": 1767600000000,
        "chip": "WG0000000001",
    }


async def test_evidence_that_is_too_long_is_left_out_and_said_to_be(scene: Scene) -> None:
    key = new_secret()
    async with WebhookSink(key) as sink, scene.running():
        scene.endpoint(sink.url, key)
        await asyncio.to_thread(scene.announce, scene.alert(evidence={"samples": "长" * 8000}))
        hook = await sink.wait_for(lambda _: True, 5)
        await scene.until_delivered(1)
    assert len(hook.text.encode()) < 20_000
    assert (hook.body["data"]["evidence"], hook.body["data"]["evidence_cut"]) == ({}, True)


async def test_an_alert_that_has_no_body_holds_up_nobody(scene: Scene) -> None:
    key = new_secret()
    async with WebhookSink(key) as sink, scene.running():
        scene.endpoint(sink.url, key)
        await asyncio.to_thread(scene.announce, scene.alert(), "alert.exploded")  # a fact of another version
        good = scene.alert()
        await asyncio.to_thread(scene.announce, good)
        hook = await sink.wait_for(lambda _: True, 5)
        await scene.until_delivered(1)
    assert hook.body["data"]["alert"] == str(good)
    assert scene.database.rows("SELECT count(*) FROM weld.expansion") == [(1,)]  # the other waits for a better version


async def test_a_secret_that_does_not_open_is_an_error_and_no_crash(scene: Scene) -> None:
    key = new_secret()
    async with WebhookSink(key) as sink, scene.running():
        scene.endpoint(sink.url, key)
        scene.database.rows("UPDATE weld.endpoint SET secret_sealed = '\\x00'")
        await asyncio.to_thread(scene.announce, scene.alert())
        await scene.until("SELECT min(error) FROM weld.attempt", "secret")
    assert sink.calls == []


async def test_a_lost_database_is_waited_for(scene: Scene) -> None:
    key = new_secret()
    async with WebhookSink(key) as sink, scene.running() as dispatcher:
        scene.endpoint(sink.url, key)
        for _ in range(3):
            scene.database.rows(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
                "AND pid <> pg_backend_pid()"
            )
            await asyncio.to_thread(scene.announce, scene.alert())
            await asyncio.sleep(0.2)
        await scene.until_delivered(3, seconds=20)
        assert await dispatcher.check() is None
    assert len(sink.received) == 3


async def test_the_process_has_a_door_and_ends_when_it_is_told(scene: Scene, tmp_path: Path) -> None:
    stop, address = asyncio.Event(), tmp_path / "address"
    settings = DispatchSettings(door_port=0, webhook_allow="127.0.0.0/8")
    work = asyncio.create_task(
        serve(settings, scene.database.url("dispatch"), VAULT, SystemClock(), stop, address_file=address)
    )
    async with asyncio.timeout(10), httpx.AsyncClient(trust_env=False) as client:
        while not address.exists() or not address.read_text():
            await asyncio.sleep(0.02)
        door = address.read_text()
        while (await client.get(f"{door}/ready")).status_code != 200:
            await asyncio.sleep(0.02)
        metrics = (await client.get(f"{door}/metrics")).text
    stop.set()
    async with asyncio.timeout(5):
        await work
    for name in ("outbox_age_seconds", "deliveries_total", "attempt_ms_bucket", "in_flight"):
        assert f"weldgate_dispatch_{name}" in metrics


def test_a_wrong_allow_list_is_refused_at_the_start() -> None:
    with pytest.raises(ValidationError, match="no network"):
        DispatchSettings(webhook_allow="10.0.0.1/8")
