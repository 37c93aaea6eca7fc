"""docker-compose.yml against the code: commands, settings, ports, secrets, walls. Each rule is also shown a file it must refuse.

Docker itself is not run here. The incident behind it: a composition that nobody can try drifts from the program in silence
until the night it is needed. Refuses to judge what only a running docker knows.
"""

import copy
import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest
import typer
from typer.exceptions import TyperException

from api.main import serve as _api
from tests.deploy.composition import (
    PROCESSES,
    PROJECT,
    VARIABLE,
    Composition,
    Service,
    composition,
    filled,
    mounts,
    ours,
    volumes,
)
from tests.docs.test_docs import _settings_models
from tests.structure.sources import ROOT
from weld.cli.main import app
from weld.kit.run import STOP_WITHIN_S
from weld.kit.settings import PORTS

DOORS = {name: PORTS[name] for name in PROCESSES} | {"api": _api.__globals__["_DOOR_PORT"]}
ONE_SHOTS = {"prepare", "migrate"}
# Who holds the permit key: whoever makes the secrets or sets up roles with them, and the gateway.
WITH_PERMIT_KEY = ONE_SHOTS | {"gateway"}

Rule = Callable[[Composition], Iterator[str]]


def _commands() -> dict[str, Any]:
    group: Any = typer.main.get_command(app)
    return dict(group.commands)


@cache
def _known_variables() -> frozenset[str]:
    """Settings of the processes, and what deploy/start and the proxy read."""
    files = ("deploy/start", "deploy/caddy/Caddyfile")
    named = {name for file in files for name in re.findall(r"WELDGATE_[A-Z_]+", (ROOT / file).read_text("utf-8"))}
    settings = {f"WELDGATE_{name.upper()}" for model in _settings_models() for name in model.model_fields}
    return frozenset(named | settings)


def commands_exist(composed: Composition) -> Iterator[str]:
    """Every service of our image runs a command that the program has, with options that it takes."""
    for name, service in ours(composed).items():
        words = [filled(word) for word in service["command"]]
        command = _commands().get(words[0])
        if command is None:
            yield f"{name}: there is no `weldgate {words[0]}`"
            continue
        try:
            command.make_context(words[0], words[1:])
        except TyperException as error:
            yield f"{name}: {error}"


def variables_are_known(composed: Composition) -> Iterator[str]:
    """Nobody is told a WELDGATE_ variable that nobody reads, and none that holds a secret."""
    for name, service in composed["services"].items():
        for variable in service.get("environment", {}):
            if variable.startswith("WELDGATE_") and variable not in _known_variables():
                yield f"{name}: nobody reads {variable}"
            if "PROCESS" in variable or ("PASSWORD" in variable and not variable.endswith("_FILE")):
                yield f"{name}: {variable} belongs in a volume"


def doors_are_asked(composed: Composition) -> Iterator[str]:
    """A process is healthy when its own door says so; a server when its port answers."""
    for name, service in composed["services"].items():
        test = service.get("healthcheck", {}).get("test")
        if name in DOORS and test != ["CMD", "ready", str(DOORS[name])]:
            yield f"{name}: its door is {DOORS[name]}, asked is {test}"
        if name not in ONE_SHOTS and not test:
            yield f"{name}: nobody looks whether it is healthy"
    if str(PORTS["mqtt_platform"]) not in composed["services"]["mosquitto"]["healthcheck"]["test"]:
        yield "mosquitto: another port is asked than processes use"


def everybody_has_his_own_secrets(composed: Composition) -> Iterator[str]:
    """A process mounts its own folder for reading and no other; who holds the permit key is a closed list."""
    for name in PROCESSES:
        service = composed["services"][name]
        wanted = [(name, f"/secrets/{name}", True)]
        wanted += [("anchors", "/anchors", False)] if name == "maintain" else []
        if volumes(service) != wanted:
            yield f"{name}: mounts {volumes(service)}"
        if name == "maintain" and service["environment"].get("WELDGATE_ANCHOR_FOLDER") != "/anchors":
            yield f"{name}: is told of no folder for anchors"
        if service["environment"].get("WELDGATE_SECRETS") != f"/secrets/{name}":
            yield f"{name}: is told of another's secrets"
    for name, service in composed["services"].items():
        held = {source for source, _, _ in mounts(service)}
        if held & {"installation", "gateway"} and name not in WITH_PERMIT_KEY:
            yield f"{name}: can read the permit key"
        if held - {"database", "database-data"} and name == "timescaledb":
            yield f"{name}: mounts {held}"


def doors_lead_to_loopback(composed: Composition) -> Iterator[str]:
    """What is published is published on 127.0.0.1 by default, and only three services publish at all."""
    for name, service in composed["services"].items():
        for port in service.get("ports", []):
            if not filled(port).startswith("127.0.0.1:"):
                yield f"{name}: {port} is open to everybody"
            if name not in {"api", "mosquitto", "caddy"}:
                yield f"{name}: publishes {port}"
            inside = int(filled(port).split(":")[-1].split("/")[0])
            if inside not in {PORTS["api"], PORTS["mqtt_tls"], 80, 443}:
                yield f"{name}: nobody listens on {inside}"
    if filled(composed["services"]["api"]["ports"][0]) != composed["services"]["api"]["ports"][0]:
        yield "api: plain HTTP can be opened to everybody by a variable"


def images_have_versions(composed: Composition) -> Iterator[str]:
    """No image drifts: every tag holds a whole version; ours is the program's."""
    for name, service in composed["services"].items():
        if not re.search(r":\d+\.\d+\.\d+", service["image"]):
            yield f"{name}: {service['image']} has no version"
        if "build" in service and service["image"] != f"weldgate:{PROJECT['project']['version']}":
            yield f"{name}: {service['image']} is not this program"


def everybody_is_walled_in(composed: Composition) -> Iterator[str]:
    """Nothing to write to but volumes, no capability that is not needed, logs that do not grow, time to stop in order."""
    for name, service in composed["services"].items():
        wanted: Service = {
            "read_only": True,
            "cap_drop": ["ALL"],
            "security_opt": ["no-new-privileges:true"],
            "restart": "no" if name in ONE_SHOTS else "unless-stopped",
        }
        yield from (
            f"{name}: {key} is {service.get(key)}" for key, value in wanted.items() if service.get(key) != value
        )
        if service.get("cap_add", []) not in ([], ["NET_BIND_SERVICE"]) or service.get("privileged"):
            yield f"{name}: has more rights than it needs"
        if "max-size" not in service.get("logging", {}).get("options", {}):
            yield f"{name}: its log grows for ever"
        if int(service["stop_grace_period"].removesuffix("s")) <= STOP_WITHIN_S:
            yield f"{name}: is killed while it still stops"


def networks_are_narrow(composed: Composition) -> Iterator[str]:
    """Database and broker are reached by those that need them, and from those networks nothing leads out."""
    wanted = {
        "database": {"timescaledb", "migrate", "ingest", "gateway", "dispatch", "api", "maintain"},
        "broker": {"mosquitto", "ingest", "gateway"},
        "front": {"api", "caddy"},
    }
    for network, members in wanted.items():
        found = {name for name, service in composed["services"].items() if network in service.get("networks", [])}
        if found != members:
            yield f"{network}: {sorted(found ^ members)}"
    for network in ("database", "broker"):
        if composed["networks"][network] != {"internal": True}:
            yield f"{network}: leads out"
    trusted = composed["services"]["api"]["environment"]["WELDGATE_API_TRUSTED_PROXIES"]
    if trusted != composed["networks"]["front"]["ipam"]["config"][0]["subnet"]:
        yield f"api: believes {trusted}, which is not the proxy's network"


def order_is_kept(composed: Composition) -> Iterator[str]:
    """Nobody waits for somebody who is not there or never healthy; processes wait for the schema."""
    services = composed["services"]
    for name, service in services.items():
        for other, how in service.get("depends_on", {}).items():
            if other not in services:
                yield f"{name}: waits for {other}, which is not there"
            elif how["condition"] == "service_healthy" and "healthcheck" not in services[other]:
                yield f"{name}: waits for ever for {other}"
            elif other in ONE_SHOTS and how["condition"] != "service_completed_successfully":
                yield f"{name}: does not wait for the end of {other}"
        if name in PROCESSES and "migrate" not in service.get("depends_on", {}):
            yield f"{name}: starts before the schema is there"


def addresses_are_services(composed: Composition) -> Iterator[str]:
    """The servers that processes are sent to are services of this file, on the ports where they listen."""
    wanted = {"--postgres": "timescaledb:5432", "--broker": f"mosquitto:{PORTS['mqtt_platform']}"}
    for name in ONE_SHOTS:
        given = dict(word.split("=", 1) for word in composed["services"][name]["command"] if "=" in word)
        for option, address in wanted.items():
            if given.get(option, address) != address or address.split(":")[0] not in composed["services"]:
                yield f"{name}: {option} is {given.get(option)}"
        if "--containers" not in composed["services"][name]["command"]:
            yield f"{name}: would make doors on loopback"


def files_are_there(composed: Composition) -> Iterator[str]:
    """What is mounted from the project, or built from it, lies in it."""
    for name, service in composed["services"].items():
        paths = [source for source, _, _ in mounts(service) if source.startswith(".")]
        paths += [service["build"]["dockerfile"]] if "build" in service else []
        yield from (f"{name}: there is no {path}" for path in paths if not (ROOT / path).exists())


RULES: list[Rule] = [
    commands_exist,
    variables_are_known,
    doors_are_asked,
    everybody_has_his_own_secrets,
    doors_lead_to_loopback,
    images_have_versions,
    everybody_is_walled_in,
    networks_are_narrow,
    order_is_kept,
    addresses_are_services,
    files_are_there,
]


@pytest.mark.parametrize("rule", RULES)
def test_the_composition_keeps_the_rule(rule: Rule) -> None:
    assert list(rule(composition())) == []


def _set(composed: Composition, path: str, value: object) -> None:
    *above, last = path.split("/")
    for step in above:
        composed = composed[step]
    composed[last] = value


@pytest.mark.parametrize(
    ("rule", "path", "value"),
    [
        (commands_exist, "ingest/command", ["swallow"]),
        (commands_exist, "prepare/command", ["prepare", "/secrets", "--everything"]),
        (variables_are_known, "api/environment", {"WELDGATE_API_HOSTT": "x"}),
        (variables_are_known, "api/environment", {"WELDGATE_PROCESS_DATABASE_URL": "x"}),
        (variables_are_known, "timescaledb/environment", {"POSTGRES_PASSWORD": "x"}),
        (doors_are_asked, "gateway/healthcheck", {"test": ["CMD", "ready", "8711"]}),
        (doors_are_asked, "timescaledb/healthcheck", {}),
        (doors_are_asked, "mosquitto/healthcheck", {"test": ["CMD", "nc", "-z", "127.0.0.1", "1883"]}),
        (everybody_has_his_own_secrets, "ingest/volumes", ["gateway:/secrets/ingest:ro"]),
        (everybody_has_his_own_secrets, "api/volumes", ["api:/secrets/api"]),
        (everybody_has_his_own_secrets, "maintain/volumes", ["maintain:/secrets/maintain:ro"]),
        (everybody_has_his_own_secrets, "mosquitto/volumes", ["installation:/secrets"]),
        (everybody_has_his_own_secrets, "dispatch/environment", {"WELDGATE_SECRETS": "/secrets/api"}),
        (everybody_has_his_own_secrets, "timescaledb/volumes", ["ingest:/x"]),
        (doors_lead_to_loopback, "mosquitto/ports", ["8883:18883"]),
        (doors_lead_to_loopback, "mosquitto/ports", ["${WELDGATE_PUBLISH:-0.0.0.0}:8883:18883"]),
        (doors_lead_to_loopback, "mosquitto/ports", ["127.0.0.1:18831:18831"]),
        (doors_lead_to_loopback, "timescaledb/ports", ["127.0.0.1:5432:5432"]),
        (doors_lead_to_loopback, "api/ports", ["${WELDGATE_PUBLISH:-127.0.0.1}:8700:8700"]),
        (images_have_versions, "mosquitto/image", "eclipse-mosquitto:latest"),
        (images_have_versions, "mosquitto/image", "eclipse-mosquitto:2"),
        (images_have_versions, "api/image", "weldgate:0.0.1"),
        (everybody_is_walled_in, "api/read_only", False),
        (everybody_is_walled_in, "api/cap_add", ["SYS_ADMIN"]),
        (everybody_is_walled_in, "caddy/logging", {}),
        (everybody_is_walled_in, "ingest/stop_grace_period", "10s"),
        (everybody_is_walled_in, "migrate/restart", "unless-stopped"),
        (networks_are_narrow, "api/networks", ["database", "front", "broker"]),
        (networks_are_narrow, "api/environment", {"WELDGATE_API_TRUSTED_PROXIES": "*"}),
        (order_is_kept, "ingest/depends_on", {"mosquitto": {"condition": "service_healthy"}}),
        (order_is_kept, "ingest/depends_on", {"migrate": {"condition": "service_started"}}),
        (order_is_kept, "caddy/depends_on", {"migrate": {"condition": "service_healthy"}}),
        (order_is_kept, "caddy/depends_on", {"web": {"condition": "service_started"}}),
        (addresses_are_services, "prepare/command", ["prepare", "/secrets", "--containers", "--broker=mosquitto:1883"]),
        (addresses_are_services, "migrate/command", ["prepare", "/secrets", "--database"]),
        (files_are_there, "caddy/volumes", ["./deploy/caddy/Caddyfil:/etc/caddy/Caddyfile:ro"]),
        (files_are_there, "api/build", {"context": ".", "dockerfile": "Dockerfile"}),
    ],
)  # fmt: skip
def test_each_rule_refuses_what_it_is_for(rule: Rule, path: str, value: object) -> None:
    broken = copy.deepcopy(composition())
    _set(broken["services"], path, value)
    assert list(rule(broken))


def test_a_network_that_leads_out_is_refused() -> None:
    broken = copy.deepcopy(composition())
    broken["networks"]["broker"] = {}
    assert list(networks_are_narrow(broken))


def test_every_variable_of_the_composition_stands_in_the_example_and_in_the_how_to() -> None:
    used = {found[1] for found in VARIABLE.finditer((ROOT / "docker-compose.yml").read_text("utf-8"))}
    assert used == {"WELDGATE_PUBLISH", "WELDGATE_CHIPS_HOST", "WELDGATE_PUBLIC_URL", "WELDGATE_TLS"}
    for file in ("deploy/example.env", "docs/how-to/run-for-real.md"):
        assert [name for name in used if name not in (ROOT / file).read_text("utf-8")] == [], file


def test_the_example_sets_nothing_that_nobody_reads() -> None:
    named = set(re.findall(r"^#?([A-Z_]+)=", (ROOT / "deploy/example.env").read_text("utf-8"), re.MULTILINE))
    composed = {"WELDGATE_PUBLISH", "WELDGATE_CHIPS_HOST", "COMPOSE_PROFILES"}
    assert named - composed <= _known_variables()


def test_the_proxy_leads_to_the_api_and_holds_nothing_back() -> None:
    text = (ROOT / "deploy/caddy/Caddyfile").read_text("utf-8")
    assert f"reverse_proxy api:{PORTS['api']} " in text
    assert "flush_interval -1" in text
    assert "admin off" in text
