"""What `--json` printed, held against its schema."""

import json
from typing import Any

import jsonschema

from mesocosm.cli import answer

SCHEMA = json.loads(answer.SCHEMA.read_text("utf-8"))


def as_the_schema_says(text: str) -> dict[str, Any]:
    """The answer that was printed. No number in it is one that JSON does not know, and no key one that is not named."""

    def refuse(name: str):
        raise AssertionError(f"{name} in the answer")

    said = json.loads(text, parse_constant=refuse)
    jsonschema.validate(said, {**SCHEMA["$defs"][f"answer-{said['command']}"], "$defs": SCHEMA["$defs"]})
    jsonschema.validate(said, SCHEMA)
    assert said["schema"] == answer.VERSION
    return said
