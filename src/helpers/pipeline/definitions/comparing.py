"""What differs between two definitions of a pipeline, and which steps it makes run again."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from contract.caching import COMPARED
from helpers.pipeline.definitions import expressions
from helpers.pipeline.definitions.expressions import in_words
from helpers.session import Session

__all__ = ["changes", "published"]

MOST = 4  # differences of a step that are named
NOTHING_PUBLISHED = (
    "No pipeline of this name is published yet, so every step will run; the last section publishes it."
)
SAME = "The definition is the one that is published, so nothing in it makes a step run again."
NAMED = ("InputName", "OutputName", "ChannelName", "DefinitionName", "Name", "Key")  # of a list's items


def published(session: Session, pipeline: str) -> str:
    """The definition that is published under a name; empty if there is none."""
    sagemaker = session.client("sagemaker")
    try:
        return sagemaker.describe_pipeline(PipelineName=pipeline)["PipelineDefinition"]
    except sagemaker.exceptions.ResourceNotFound:
        return ""


def changes(before: str, after: str) -> pd.DataFrame:
    """A row for each step that changed or runs a job: what changed, and whether it runs again on a table.

    It takes the parameters' defaults; an execution that sets others may run more. Without a change, the
    table is empty.

    Args:
        before: the definition that is published; empty if there is none.
        after: the definition that would take its place.
    """
    if not before or before == after:
        nothing = pd.DataFrame(columns=["changed", "runs again"]).rename_axis("step")
        nothing.attrs["instead"] = SAME if before else NOTHING_PUBLISHED
        return nothing
    old, new = _said(before), _said(after)
    steps, why = expressions.steps(after), dict[str, str]()
    for name, step in steps.items():
        why[name] = _reason(step, old.get(name), new[name], why)
    rows = [
        {
            "step": name,
            "changed": changed,
            "runs again": why[name] or "no, its result is taken from an earlier execution",
        }
        for name, step in steps.items()
        if (changed := _changed(old.get(name), new[name])) or step["Type"] in COMPARED
    ]
    rows += [{"step": name, "changed": "removed", "runs again": "no"} for name in old if name not in new]
    return pd.DataFrame(rows).set_index("step")


def _said(definition: str) -> dict[str, dict[str, str]]:
    """What each step says, in words by the place in its arguments, and without the steps inside of it."""
    values = expressions.defaults(definition)
    return {
        name: dict(_leaves({k: v for k, v in step["Arguments"].items() if k[-5:] != "Steps"}, values))
        for name, step in expressions.steps(definition).items()
    }


def _leaves(value: Any, values: Mapping[str, Any], place: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and not {"Get", "Std:Join", "Std:JsonGet"} & value.keys():
        for name, one in value.items():
            yield from _leaves(one, values, f"{place}.{name}" if place else name)
    elif isinstance(value, list) and place.endswith("ContainerArguments"):  # names and values in turn
        for name, one in zip(value[::2], value[1::2], strict=True):
            yield from _leaves(one, values, f"{place}.{in_words(name, values)}")
    elif isinstance(value, list):
        for number, one in enumerate(value):
            named = next((one[key] for key in NAMED if isinstance(one, Mapping) and key in one), number)
            yield from _leaves(one, values, f"{place}[{named}]")
    else:
        yield place, in_words(value, values)


def _reason(
    step: Mapping[str, Any],
    old: Mapping[str, str] | None,
    new: Mapping[str, str],
    earlier: Mapping[str, str],
) -> str:
    """Why a step runs again; empty if it does not."""
    if not step.get("CacheConfig", {}).get("Enabled"):
        return "yes, as in every execution"
    if old is None:
        return "yes, it is new"
    if any(place.startswith(COMPARED.get(step["Type"], ())) for place in _different(old, new)):
        return "yes, because of the change"
    waits = [name for name in expressions.references(step["Arguments"]) if earlier.get(name)]
    return f"yes, after {' and '.join(sorted(waits))}" if waits else ""


def _different(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    return [place for place in dict.fromkeys([*old, *new]) if old.get(place) != new.get(place)]


def _changed(old: Mapping[str, str] | None, new: Mapping[str, str]) -> str:
    """The differences in words: `InstanceType: ml.m5.large to ml.m5.xlarge`."""
    if old is None:
        return "new"
    found = _different(old, new)
    told = dict.fromkeys(_difference(place, old.get(place), new.get(place)) for place in found)
    more = [f"and {len(told) - MOST} more"] if len(told) > MOST else []
    return "; ".join([*list(told)[:MOST], *more])


def _difference(place: str, old: str | None, new: str | None) -> str:
    name = place.rpartition(".")[2]
    if name == "S3Uri":  # which of its inputs
        name = place.rpartition("[")[2].partition("]")[0]
    if "sagemaker_submit_directory" in place or "[code]" in place:
        return "its code"
    if old is None or new is None:
        return f"{name} {'added' if old is None else 'removed'}"
    return f"{name}: {old} to {new}"
