"""deploy/monitoring against the program: every number that it asks for is counted, every alarm says what it is and what to do."""

import importlib
import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY

from tests.structure.sources import ROOT
from weld.kit.settings import PORTS

FOLDER = ROOT / "deploy/monitoring"

# Where something is counted. Everything that anybody counts stands here, or the first test below fails.
COUNTING = (
    "api.border",
    "api.issuer",
    "api.recheck",
    "api.scan",
    "dispatch.counters",
    "gateway.figures",
    "gateway.sender",
    "ingest.counters",
    "weld.cli.maintain",
    "weld.kit.log",
)
# Series that Prometheus and its client make themselves, and those of EMQX, as its manual names them.
_NOT_OURS = {"up", "process_cpu_seconds_total", "process_resident_memory_bytes", "emqx_delivery_dropped_queue_full"}

_NAME = re.compile(r"\b(?:weldgate_|process_|emqx_|up\b)\w*")
_SELECTOR = re.compile(r"(\w+)\{([^}]*)\}")
_MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"')


@cache
def _counted() -> dict[str, frozenset[str]]:
    """Every series of ours and the labels that it has, as the doors tell it."""
    for module in COUNTING:
        importlib.import_module(module)
    found: dict[str, frozenset[str]] = {}
    for collector in REGISTRY._collector_to_names:
        name, kind = getattr(collector, "_name", ""), getattr(collector, "_type", "")
        if name.startswith("weldgate_"):
            labels = frozenset(getattr(collector, "_labelnames", ()))
            endings = {"counter": ["_total"], "gauge": [""], "histogram": ["_bucket", "_count", "_sum"]}[kind]
            found |= {f"{name}{ending}": labels | {"le"} for ending in endings}
    return found


def _rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load((FOLDER / "rules.yml").read_text("utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def _panels() -> list[dict[str, Any]]:
    return list(json.loads((FOLDER / "grafana-dashboard.json").read_text("utf-8"))["panels"])


def _expressions() -> Iterator[tuple[str, str]]:
    """(where, expression) of every rule and every panel."""
    yield from ((rule["alert"], rule["expr"]) for rule in _rules())
    for panel in _panels():
        yield from ((panel["title"], target["expr"]) for target in panel.get("targets", []))


def _unknown(expression: str) -> list[str]:
    """Names and labels in an expression that nobody makes; job, instance and process are Prometheus' own."""
    counted, bare = _counted(), re.sub(r'"[^"]*"', '""', expression)
    wrong = [name for name in _NAME.findall(bare) if name not in counted and name not in _NOT_OURS]
    for name, matchers in _SELECTOR.findall(expression):
        known = counted.get(name, frozenset()) | {"job", "instance", "process"}
        wrong += [f"{name}{{{label}}}" for label, _, _ in _MATCHER.findall(matchers) if label not in known]
    return wrong


def test_every_module_that_counts_is_known_here() -> None:
    kinds = re.compile(r'(?:Counter|Gauge|Histogram|Summary)\(\s*"weldgate_')
    rooms = (ROOT / room for room in ("api", "dispatch", "gateway", "ingest", "weld", "simulator"))
    files = {file for room in rooms for file in room.rglob("*.py") if kinds.search(file.read_text("utf-8"))}
    names = {file.relative_to(ROOT).as_posix().removesuffix(".py").replace("/", ".") for file in files}
    assert names == set(COUNTING)


def test_what_is_asked_for_is_counted() -> None:
    asked = list(_expressions())
    assert len(asked) > 80
    assert [(where, wrong) for where, expression in asked if (wrong := _unknown(expression))] == []


def test_every_number_that_is_counted_is_shown_or_watched() -> None:
    asked = {name for _, expression in _expressions() for name in _NAME.findall(expression)}
    shown = {re.sub(r"_(bucket|count|sum)$", "", name) for name in asked}
    assert {re.sub(r"_(bucket|count|sum)$", "", name) for name in _counted()} - shown == set()


@pytest.mark.parametrize("rule", _rules(), ids=lambda rule: rule["alert"])
def test_every_alarm_says_what_it_is_and_what_to_do(rule: dict[str, Any]) -> None:
    summary = rule["annotations"]["summary"]
    assert re.search(r"[\u4e00-\u9fff]", summary), "Chinese first"
    assert re.search(r" / [a-zA-Z]", summary), "then English"
    assert rule["labels"]["severity"] in {"page", "ticket"}
    page = (ROOT / "docs/operations.md").read_text("utf-8")
    row = re.search(rf"^\| `{rule['alert']}` \| (\w+) \|([^|]+)\|([^|]+)\|$", page, re.MULTILINE)
    assert row, f"no line in docs/operations.md for {rule['alert']}"
    assert row[1] == rule["labels"]["severity"]


def test_the_page_names_no_alarm_that_is_gone() -> None:
    page = (ROOT / "docs/operations.md").read_text("utf-8").partition("### Alarms")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE) == [rule["alert"] for rule in _rules()]


def test_alarms_have_names_of_their_own() -> None:
    names = [rule["alert"] for rule in _rules()]
    assert len(names) == len(set(names)) >= 25


# An absent series has no rise: the first lost batch would be silent if its number appeared as 1.
@pytest.mark.parametrize("prefix", ["weldgate_dispatch_", "weldgate_gateway_", "weldgate_broker_", "weldgate_ingest_"])
def test_what_an_alarm_waits_for_is_there_as_0_from_the_start(prefix: str) -> None:
    _counted()
    there = {
        (one.name, value) for family in REGISTRY.collect() for one in family.samples for value in one.labels.values()
    }
    for rule in _rules():
        for name, matchers in _SELECTOR.findall(rule["expr"]):
            if name.startswith(prefix):
                for _, how, values in _MATCHER.findall(matchers):
                    if how == "!~":
                        continue
                    assert how in {"=", "=~"}, rule["alert"]
                    assert [v for v in values.split("|") if (name, v) not in there] == [], rule["alert"]


def test_the_doors_are_where_the_processes_listen() -> None:
    config = yaml.safe_load((FOLDER / "prometheus.yml").read_text("utf-8"))
    assert config["rule_files"] == ["rules.yml"]
    [job] = config["scrape_configs"]
    doors = {one["labels"]["process"]: one["targets"] for one in job["static_configs"]}
    wanted = {name: PORTS[name] for name in ("ingest", "gateway", "dispatch", "maintain")} | {"api": 8710}
    assert doors == {name: [f"127.0.0.1:{port}"] for name, port in wanted.items()}


def test_the_dashboard_can_be_imported_and_speaks_chinese_and_english() -> None:
    panels = _panels()
    assert len({panel["id"] for panel in panels}) == len(panels)
    for panel in panels:
        assert re.search(r"[\u4e00-\u9fff]|^CPU$", panel["title"])
        assert panel["title"] == "CPU" or re.search(r"[A-Za-z]{2}", panel["title"])
        assert panel["type"] == "row" or panel["datasource"]["uid"] == "${datasource}"
    rows = [panel["title"].split()[0] for panel in panels if panel["type"] == "row"]
    assert rows == ["总览", "流量", "存储", "租约", "设备", "消息代理", "指令", "分发", "进程"]
    places = [(p["gridPos"]["x"], p["gridPos"]["y"]) for p in panels]
    assert len(set(places)) == len(places)


@pytest.mark.parametrize(
    "expression",
    ["rate(weldgate_ingest_recieved_total[5m])", 'weldgate_ingest_messages_total{fat="new"}', "weldgate_ingest_lag_ms"],
)
def test_a_name_that_nobody_counts_is_noticed(expression: str) -> None:
    assert _unknown(expression)
