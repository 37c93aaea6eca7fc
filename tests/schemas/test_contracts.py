"""The generated contracts say what the code says, and the examples are what the contracts say."""

import json
from pathlib import Path

import cbor2
import jsonschema
import pytest

from schemas import topics
from schemas.bad import BadMessage
from schemas.decode import decode, decode_presence
from weld.cli import contracts

EXAMPLES = Path(topics.__file__).parent / "examples"
GOOD = sorted((EXAMPLES / "good").glob("*"))
BAD = sorted((EXAMPLES / "bad").glob("*"))


@pytest.fixture(scope="module")
def chip_schema() -> jsonschema.Draft202012Validator:
    text = (contracts.FOLDER / "chip-messages.schema.json").read_text()
    return jsonschema.Draft202012Validator(json.loads(text))


def test_no_committed_contract_has_drifted() -> None:
    assert contracts.drifted() == [], "run `weldgate contracts` and commit what it writes"


@pytest.mark.parametrize("file", GOOD, ids=lambda file: file.name)
def test_every_good_example_is_a_message_and_fits_the_schema(
    file: Path, chip_schema: jsonschema.Draft202012Validator
) -> None:
    payload = file.read_bytes()
    decode_presence(payload) if file.name.startswith("state--") else decode(payload)
    chip_schema.validate(cbor2.loads(payload) if file.suffix == ".cbor" else json.loads(payload))


@pytest.mark.parametrize("file", BAD, ids=lambda file: file.name)
def test_every_bad_example_is_refused_with_the_reason_in_its_name(file: Path) -> None:
    with pytest.raises(BadMessage) as refused:
        decode(file.read_bytes())
    assert refused.value.reason == file.stem.split("--")[0]


def test_every_kind_of_message_has_a_good_example() -> None:
    kinds = {file.name.split("--")[0] for file in GOOD}
    assert kinds == {"boot", "telemetry", "event", "result", "log", "state"}


def test_the_protocol_document_names_the_three_topics() -> None:
    document = contracts.documents()["asyncapi.json"]
    assert {channel["address"].rsplit("/", 1)[1] for channel in document["channels"].values()} == {
        "up",
        "state",
        "down",
    }
