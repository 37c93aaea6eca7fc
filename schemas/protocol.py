"""The chip protocol as documents for others: JSON Schema and AsyncAPI, made from the Structs.

Refuses to say anything that the Structs do not say; prose stands in docs/protocol.
"""

from typing import Any

import msgspec

from schemas import chip, down, signed, webhook

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_ADDRESSES = {"up": "wg/1/{shard}/{chip}/up", "state": "wg/1/{shard}/{chip}/state", "down": "wg/1/{shard}/{chip}/down"}
_PARAMETERS = {
    "shard": {"description": "Two lower-case hex digits, fixed for a chip at enrolment"},
    "chip": {"description": "The chip's name, [A-Z0-9]{8,32}: its MQTT user name or the CN of its certificate"},
}


def chip_schema() -> dict[str, Any]:
    """What chips say on `up` and `state`."""
    (message, presence), definitions = msgspec.json.schema_components(
        [chip.Message, chip.Presence], ref_template="#/$defs/{name}"
    )
    # the root accepts either: a message of `up`, or the presence of `state`
    either = {"$defs": definitions | {"Up": message}, "anyOf": [{"$ref": "#/$defs/Up"}, presence]}
    return {"$schema": _DRAFT, "title": "weldgate chip messages", **either}


def down_schema() -> dict[str, Any]:
    """What chips hear on `down`, and the payloads inside the signatures."""
    kinds = [down.SignedDown, down.Resend, signed.Ticket, signed.Command, signed.BootReply, signed.Stored, signed.Time]
    references, definitions = msgspec.json.schema_components(kinds, ref_template="#/$defs/{name}")
    return {"$schema": _DRAFT, "title": "weldgate words to chips", "$defs": definitions, "anyOf": references[:2]}


def webhook_schema() -> dict[str, Any]:
    """The bodies of webhooks."""
    return {"$schema": _DRAFT, **webhook.AlertWebhook.model_json_schema(mode="serialization")}


def asyncapi() -> dict[str, Any]:
    """Topics, directions and messages of the chip protocol (AsyncAPI 3.0)."""
    kinds: dict[str, list[type[msgspec.Struct]]] = {
        "up": [chip.BootUp, chip.Telemetry, chip.Event, chip.Result, chip.Log],
        "state": [chip.Presence],
        "down": [down.SignedDown, down.Resend],
    }
    every = [kind for group in kinds.values() for kind in group]
    _, definitions = msgspec.json.schema_components(every, ref_template="#/components/schemas/{name}")
    channels = {leaf: _channel(leaf, [kind.__name__ for kind in group]) for leaf, group in kinds.items()}
    operations = {
        "chipSays": {"action": "receive", "channel": {"$ref": "#/channels/up"}},
        "chipIsThere": {"action": "receive", "channel": {"$ref": "#/channels/state"}},
        "platformSays": {"action": "send", "channel": {"$ref": "#/channels/down"}},
    }
    messages = {kind.__name__: {"payload": {"$ref": f"#/components/schemas/{kind.__name__}"}} for kind in every}
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "weldgate chip protocol", "version": "1.0.0", "license": {"name": "Apache-2.0"}},
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations,
        "components": {"schemas": definitions, "messages": messages},
    }


def _channel(leaf: str, names: list[str]) -> dict[str, Any]:
    messages = {name: {"$ref": f"#/components/messages/{name}"} for name in names}
    retained = {"bindings": {"mqtt": {"qos": 1, "retain": leaf == "state"}}}
    return {"address": _ADDRESSES[leaf], "parameters": _PARAMETERS, "messages": messages, **retained}
