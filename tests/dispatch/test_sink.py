"""The receiver: what it believes and what it refuses."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from standardwebhooks import Webhook

from tests.dispatch.scene import new_secret
from weld.cli.webhook_sink import Failures, Hook, WebhookSink, read_secrets, run

TEXT = json.dumps({"type": "alert.opened", "data": {}})


def headers(key: str, at: datetime | None = None, name: str = "1", text: str = TEXT) -> dict[str, str]:
    when = at or datetime.now(UTC)
    return {
        "webhook-id": name,
        "webhook-timestamp": str(int(when.timestamp())),
        "webhook-signature": Webhook(key).sign(name, when, text),
    }


async def status(sink: WebhookSink, words: dict[str, str], text: str = TEXT) -> int:
    async with httpx.AsyncClient(trust_env=False) as client:
        return (await client.post(sink.url, content=text, headers=words)).status_code


async def test_a_signed_hook_is_accepted_and_its_repetition_is_forgotten() -> None:
    key = new_secret()
    async with WebhookSink(key) as sink:
        assert await status(sink, headers(key)) == 204
        assert await status(sink, headers(key)) == 204
        assert await status(sink, headers(key, name="2")) == 204
    assert [hook.id for hook in sink.received] == ["1", "2"]
    assert [call.status for call in sink.calls] == [204, 204, 204]


@pytest.mark.parametrize("minutes", [-6, 6])
async def test_a_stale_or_future_hook_is_refused(minutes: int) -> None:
    key = new_secret()
    async with WebhookSink(key) as sink:
        assert await status(sink, headers(key, datetime.now(UTC) + timedelta(minutes=minutes))) == 401
    assert sink.received == []


async def test_what_is_not_signed_with_our_secret_for_this_text_and_id_is_refused() -> None:
    key = new_secret()
    good = headers(key)
    async with WebhookSink(key) as sink:
        assert await status(sink, headers(new_secret())) == 401
        assert await status(sink, good, text=TEXT + " ") == 401
        assert await status(sink, good | {"webhook-id": "2"}) == 401
        assert await status(sink, {}) == 401
        for rubbish in ("", "v1", "v1,", "v1,???", "v2,abcd", ",", "v1,a b,c"):
            assert await status(sink, good | {"webhook-signature": rubbish}) == 401
    assert sink.received == []


async def test_while_secrets_are_exchanged_both_are_good(tmp_path: Path) -> None:
    old, new = new_secret(), new_secret()
    file = tmp_path / "secrets"
    file.write_text(f"{old}\n\n{new}\n")
    async with WebhookSink(read_secrets(file)) as sink:
        assert await status(sink, headers(old)) == 204
        assert await status(sink, headers(new, name="2")) == 204


async def test_it_can_be_told_to_fail() -> None:
    key = new_secret()
    async with WebhookSink(key, Failures(first=2, status=502)) as sink:
        assert [await status(sink, headers(key)) for _ in range(3)] == [502, 502, 204]


async def test_other_requests_are_refused() -> None:
    key = new_secret()
    async with WebhookSink(key) as sink, httpx.AsyncClient(trust_env=False) as client:
        assert (await client.get(sink.url)).status_code == 405
        long = "x" * 20_000
        assert await status(sink, headers(key, text=long), text=long) == 413


async def test_waiting_ends_with_the_hook_or_with_the_time() -> None:
    key = new_secret()
    async with WebhookSink(key) as sink:
        waiting = asyncio.create_task(sink.wait_for(lambda hook: hook.id == "7", 5))
        await status(sink, headers(key, name="6"))
        await status(sink, headers(key, name="7"))
        assert (await waiting).id == "7"
        with pytest.raises(TimeoutError):
            await sink.wait_for(lambda hook: hook.id == "8", 0.05)


async def test_the_command_prints_one_json_line_for_each_hook(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key, stop = new_secret(), asyncio.Event()
    file = tmp_path / "secret"
    file.write_text(key)
    work = asyncio.create_task(run(0, read_secrets(file), Failures(), stop))
    shown = ""
    while "listening on " not in shown:
        await asyncio.sleep(0.01)
        shown += capsys.readouterr().err
    async with httpx.AsyncClient(trust_env=False) as client:
        await client.post(shown.split()[-1], content=TEXT, headers=headers(key))
        await client.post(shown.split()[-1], content=TEXT, headers=headers(key))
    stop.set()
    await work
    [line] = capsys.readouterr().out.splitlines()
    assert json.loads(line) | {"received_at": ""} == {
        "id": "1",
        "received_at": "",
        "type": "alert.opened",
        "data": {},
    }


def test_a_hook_is_one_line_whatever_is_in_it() -> None:
    hook = Hook("1", datetime(2026, 1, 5, tzinfo=UTC), "", {"type": "a\nb"})
    assert json.loads(hook.line()) == {"id": "1", "received_at": "2026-01-05T00:00:00+00:00", "type": "a\nb"}
    assert "\n" not in hook.line()
