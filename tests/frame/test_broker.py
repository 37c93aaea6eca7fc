"""The broker's words: what is always in them, and what cannot be said."""

from dataclasses import replace

import pytest

from gateway.broker import Broker, Door, Limits, TlsDoor, chip_acl, configuration, platform_acl

CHIPS, PLATFORM = Door(18830), Door(18831)


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def test_the_limits_that_lose_messages_are_raised() -> None:
    lines = _lines(configuration(Broker(PLATFORM, CHIPS)))
    for line in ("max_queued_messages 2000000", "max_inflight_messages 1000", "max_packet_size 65536"):
        assert line in lines
    assert "persistence true" in lines
    assert lines[0] == "per_listener_settings true"


def test_payloads_are_not_logged() -> None:
    text = configuration(Broker(PLATFORM, CHIPS, TlsDoor(18883)))
    assert "log_type debug" not in text
    assert "log_type all" not in text


def test_every_listener_has_an_access_list_of_its_own() -> None:
    listeners = configuration(Broker(PLATFORM, CHIPS, TlsDoor(18883))).split("\nlistener ")[1:]
    assert [part.count("acl_file ") for part in listeners] == [1, 1, 1]
    assert [part.count("allow_anonymous true") for part in listeners] == [0, 1, 0]


def test_without_a_plain_door_chips_need_certificates() -> None:
    text = configuration(Broker(PLATFORM, tls=TlsDoor(18883, host="0.0.0.0", crlfile="revoked.pem")))
    assert "allow_anonymous true" not in text
    assert "require_certificate true" in text
    assert "crlfile revoked.pem" in text


@pytest.mark.parametrize("host", ["0.0.0.0", "10.0.0.1", "::"])
def test_a_door_without_encryption_stays_on_loopback(host: str) -> None:
    with pytest.raises(ValueError, match="loopback"):
        Door(18830, host)


def test_a_queue_without_a_limit_is_refused() -> None:
    with pytest.raises(ValueError, match="max_queued_messages"):
        replace(Limits(), max_queued_messages=0)


def test_access_lists_name_no_chip_and_no_wildcard_for_writing_up() -> None:
    assert all(line.startswith("pattern ") and "%u" in line for line in _lines(chip_acl()))
    assert not [line for line in _lines(platform_acl()) if "write" in line and not line.endswith("/down")]


def test_what_may_wait_is_shared_by_the_sessions() -> None:
    """A session that fills must not take the memory of the others; few sessions may keep as much as many."""
    assert "max_queued_bytes 268435456" in _lines(configuration(Broker(PLATFORM)))
    assert Limits(sessions=1).max_queued_bytes == 2 * 1024**3
    assert "memory_limit" not in configuration(Broker(PLATFORM, CHIPS))
