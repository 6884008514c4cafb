"""Documents held against docs/schemas; a schema itself is checked once, as that takes longer than most."""

import json
from functools import cache
from typing import Any

import jsonschema

from support import ROOT

__all__ = ["validate"]


def validate(document: Any, name: str) -> None:
    """Fail unless a document is what docs/schemas/<name>.schema.json says."""
    _validator(name).validate(document)


@cache
def _validator(name: str) -> jsonschema.Draft202012Validator:
    schema = json.loads((ROOT / f"docs/schemas/{name}.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)
