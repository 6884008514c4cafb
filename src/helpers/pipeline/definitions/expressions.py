"""What a compiled definition says: its steps by name, and its references in words.

Follows https://aws-sagemaker-mlops.github.io/sagemaker-model-building-pipeline-definition-JSON-schema/
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from helpers.errors import BadInput

__all__ = ["defaults", "in_words", "references", "steps", "with_defaults"]

OF_STEP = re.compile(r"Steps\.(\w+)\.(.+)")
QUOTED = re.compile(r"\['([^']+)'\]")
SOURCE = re.compile(r"s3://[^/]+/code/([0-9a-f]{12})[0-9a-f]*/([\w.]+)")


def steps(definition: str) -> dict[str, Mapping[str, Any]]:
    """The steps of a definition by name, those inside of conditions included, in their order."""
    return {step["Name"]: step for step in _flat(json.loads(definition)["Steps"])}


def defaults(definition: str) -> dict[str, Any]:
    """The default of each parameter of a definition."""
    return {one["Name"]: one.get("DefaultValue") for one in json.loads(definition)["Parameters"]}


def with_defaults(definition: str, **others: Any) -> str:
    """The same definition with other defaults of some parameters, to see what that would change.

    Raises:
        BadInput: the definition has no such parameter.
    """
    document = json.loads(definition)
    if strange := sorted(set(others) - {one["Name"] for one in document["Parameters"]}):
        known = ", ".join(one["Name"] for one in document["Parameters"])
        raise BadInput(f"The definition has no parameter {strange[0]!r}; it has {known}.")
    for one in document["Parameters"]:
        one["DefaultValue"] = others.get(one["Name"], one["DefaultValue"])
    return json.dumps(document, indent=1)


def references(value: Any) -> set[str]:
    """The names of the steps that a part of a definition refers to."""
    return set(re.findall(r'"Steps\.(\w+)', json.dumps(value)))


def in_words(value: Any, values: Mapping[str, Any]) -> str:
    """A value of a definition as a person would say it.

    A parameter is its value; a property of a step is `train of PreprocessData`; code is its name and the
    beginning of its hash.

    Args:
        value: a literal, or an expression of the definition's language.
        values: of the pipeline's parameters.
    """
    if isinstance(value, Mapping):
        if join := value.get("Std:Join"):
            return join["On"].join(in_words(part, values) for part in join["Values"])
        if found := value.get("Std:JsonGet"):
            return f"{found['Path']} of {in_words(found['PropertyFile'], values)}"
        if (place := value.get("Get")) is not None:
            return _place(str(place), values)
        return json.dumps(value)
    return SOURCE.sub(r"\2 \1", str(value))


def _place(place: str, values: Mapping[str, Any]) -> str:
    if place.startswith("Parameters."):
        return str(values[place.removeprefix("Parameters.")])
    if of_step := OF_STEP.fullmatch(place):
        step, path = of_step.groups()
        named = QUOTED.search(path)
        return f"{named[1] if named else path.rpartition('.')[2]} of {step}"
    return "(execution)" if place == "Execution.PipelineExecutionId" else place


def _flat(listed: list[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for step in listed:
        yield step
        for branch in ("IfSteps", "ElseSteps"):
            yield from _flat(step.get("Arguments", {}).get(branch, []))
