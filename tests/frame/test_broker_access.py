"""Mosquitto and EMQX are told the same: the same rights by their access lists, the same numbers by their configuration."""

import os
import re
from dataclasses import replace
from itertools import product

import pytest

from gateway import access
from gateway.access import Right
from gateway.broker import Limits, chip_acl, platform_acl
from schemas import topics
from tests.structure.sources import ROOT

ACL = ROOT / "deploy/emqx/acl.conf"
CONFIGURATION = ROOT / "deploy/emqx/emqx.conf"

HEAD = """\
%% Written by tests/frame/test_broker_access.py from gateway/access.py; changes here are lost.
%% WELDGATE_REWRITE=1 pytest tests/frame/test_broker_access.py
"""

CHIP, OTHER = "CHIPAAAA1", "CHIPBBBB1"
WHO = (CHIP, "ingest", "gateway", "", "chip0001", "+", "#", "stranger")
TOPICS = (
    *(f"wg/1/0a/{name}/{leaf}" for name, leaf in product((CHIP, OTHER, "+"), ("up", "state", "down", "log"))),
    *("#", "wg/#", "wg/1/+/+/up", "wg/1/+/+/down", f"wg/2/0a/{CHIP}/up", f"wg/1/0a/0b/{CHIP}/up", "wg/1/0a/ingest/up"),
)


def _covers(pattern: str, topic: str) -> bool:
    """Whether all that `topic` means (it may be a filter itself) is meant by `pattern`; ours have no `#` at their end."""
    words, asked = pattern.split("/"), topic.split("/")
    return len(words) == len(asked) and all(
        word == other or (word == "+" and other != "#") for word, other in zip(words, asked, strict=True)
    )


def _mosquitto(who: str, does: str, topic: str) -> bool:
    """As the listeners read them: chips by their list, users of ours by theirs."""
    user = ""
    for line in f"{chip_acl()}\n{platform_acl()}".splitlines():
        match line.split():
            case ["user", name]:
                user = name
            case ["pattern", right, pattern] if re.fullmatch(r"[A-Z0-9]{8,32}", who):
                if right == does and _covers(pattern.replace("%u", who), topic):
                    return True
            case ["topic", right, pattern] if who == user and right == does and _covers(pattern, topic):
                return True
    return False


_TERM = re.compile(r'\{allow, \{username, (?:"(\w+)"|\{re, "(.+?)"\})\}, (.+), \["(.+)"\]\}\.')


def _emqx(text: str, who: str, does: str, topic: str, *, retained: bool = False) -> bool:
    for line in text.splitlines():
        if line.startswith("%%") or line == "{deny, all}.":
            continue
        found = _TERM.fullmatch(line)
        assert found, line
        name, grammar, action, pattern = found.groups()
        if not (who == name if name else re.search(grammar, who)):
            continue
        wanted = {
            "subscribe": ("read", False),
            "publish": ("write", True),
            "{publish, [{retain, false}]}": ("write", False),
        }
        right, may_be_retained = wanted[action]
        if right == does and retained <= may_be_retained and _covers(pattern.replace("${username}", who), topic):
            return True
    return False


def _text() -> str:
    return HEAD + access.emqx((*access.CHIPS, *access.PLATFORM))


def test_the_access_list_of_emqx_is_the_one_that_the_code_gives() -> None:
    if os.environ.get("WELDGATE_REWRITE"):
        ACL.write_text(_text(), encoding="utf-8")
    assert ACL.read_text(encoding="utf-8") == _text()
    assert _text().endswith("\n{deny, all}.\n")


@pytest.mark.parametrize("who", WHO)
def test_both_brokers_allow_the_same(who: str) -> None:
    text = ACL.read_text(encoding="utf-8")
    for does, topic in product(("read", "write"), TOPICS):
        assert _emqx(text, who, does, topic) is _mosquitto(who, does, topic), (does, topic)


def test_a_chip_speaks_and_hears_for_itself_only() -> None:
    text = ACL.read_text(encoding="utf-8")
    allowed = [(does, topic) for does, topic in product(("read", "write"), TOPICS) if _emqx(text, CHIP, does, topic)]
    down, up, state = (topics.build("0a", CHIP, leaf) for leaf in ("down", "up", "state"))
    assert allowed == [("read", down), ("write", up), ("write", state)]


def test_only_a_state_may_stay_with_the_broker() -> None:
    text = ACL.read_text(encoding="utf-8")
    retained = [(who, topic) for who, topic in product(WHO, TOPICS) if _emqx(text, who, "write", topic, retained=True)]
    assert retained == [(CHIP, f"wg/1/0a/{CHIP}/state")]


def test_the_gateway_reads_of_the_broker_itself_only_what_it_counts() -> None:
    assert all(_mosquitto("gateway", "read", topic) for topic in access.FIGURES)
    assert not _mosquitto("gateway", "read", "$SYS/#")
    assert not _mosquitto("gateway", "read", "$SYS/broker/version")


def test_a_right_too_many_is_noticed() -> None:
    wider = access.emqx([replace(access.CHIPS[0], topic="wg/1/+/+/up"), Right("gateway", "read", "wg/1/+/+/up")])
    assert _emqx(wider, CHIP, "write", f"wg/1/0a/{OTHER}/up")
    assert _emqx(wider, "gateway", "read", "wg/1/0a/+/up")


def _number(name: str, section: str = "") -> str:
    """The value of a key, the first one behind the name of a section."""
    text = re.sub(r"\s+#.*", "", CONFIGURATION.read_text(encoding="utf-8"))
    found = re.search(rf"^\s*{name} = (\S+)$", text[text.index(section) :], re.MULTILINE)
    assert found, name
    return found[1]


def test_emqx_is_given_the_numbers_of_mosquitto() -> None:
    limits = Limits()
    assert _number("max_packet_size") == f"{limits.max_packet_size}B"
    assert _number("max_inflight", "zones.platform") == str(limits.max_inflight_messages)
    assert _number("session_expiry_interval") == limits.persistent_client_expiration
    assert _number("max_connections", "listeners.ssl.chips") == str(limits.max_chip_connections)
    queue = int(_number("max_mqueue_len", "zones.platform"))
    assert 0.5 < queue * 600 / limits.max_queued_bytes < 1.5


def test_emqx_lets_nobody_in_by_another_door() -> None:
    text = CONFIGURATION.read_text(encoding="utf-8")
    assert re.findall(r"^listeners\.(\w+\.default)\.enable = false$", text, re.MULTILINE) == [
        "tcp.default", "ssl.default", "ws.default", "wss.default",
    ]  # fmt: skip
    assert re.findall(r"^listeners\.(\w+\.\w+) \{", text, re.MULTILINE) == ["ssl.chips", "tcp.platform"]
    for line in (
        "verify = verify_peer",
        "fail_if_no_peer_cert = true",
        "no_match = deny",
        "peer_cert_as_username = cn",
    ):
        assert line in text
