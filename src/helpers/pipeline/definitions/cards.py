"""A compiled definition, to look at: a card for each step, the gate's numbers, and a step's JSON."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from helpers.display import Card, Text, card, text
from helpers.errors import BadInput
from helpers.pipeline.definitions import expressions
from helpers.pipeline.definitions.expressions import in_words

__all__ = ["as_json", "gate", "step_card"]

KINDS = {
    "Processing": "a processing job",
    "Training": "a training job",
    "Tuning": "a tuning job, which starts a training job for each trial",
    "Condition": "a condition",
    "RegisterModel": "a new version in the registry",
    "Fail": "the end of a failed execution",
}
WIDTH = 100  # characters of a line of JSON


def step_card(step: Any, definition: str, seconds: Mapping[str, float] | None = None) -> Card:
    """What a step reads and writes, on which instance, by which command, and its seconds last time.

    Args:
        step: a step, or its name.
        definition: that it is compiled in.
        seconds: of each step when it last ran, as `runs.last_seconds` finds them.

    Raises:
        BadInput: the definition has no such step.
    """
    found = _find(definition, getattr(step, "name", step))
    values, name, kind = expressions.defaults(definition), found["Name"], found["Type"]
    rows = ROWS.get(kind, _other)(found["Arguments"], values)
    if kind in ("Processing", "Training", "Tuning"):
        took = (seconds or {}).get(name)
        rows["last time"] = "it has not run here yet" if took is None else f"{took:,.1f} s"
        kept = found.get("CacheConfig", {}).get("Enabled")
        rows["runs"] = "only if its code or inputs have changed" if kept else "in every execution"
    return card(f"{name}: {KINDS.get(kind, f'a step of the type {kind}')}", rows)


def gate(definition: str) -> pd.DataFrame:
    """The conditions between a model and the registry, with the numbers that hold by default."""
    values = expressions.defaults(definition)
    metric, threshold = values["MetricForRegistrationThreshold"], values["MinThresholdForRegisterMetric"]
    margin, confidence = values["ChampionMargin"], values["ChampionConfidence"]
    meaning = {
        "gate.threshold_margin": f"{metric} on held-out rows reaches {threshold:g}",
        "gate.champion_margin": f"it keeps at least {1 - margin:.0%} of the skill of the version in service, "
        f"with {confidence:.0%} confidence",
    }
    rows = [
        {
            "step": name,
            "condition": meaning.get(path, path),
            "compares": f"{path} >= {one['RightValue']:g}",
            "if not": ", ".join(each["Name"] for each in step["Arguments"]["ElseSteps"]) or "no new version",
        }
        for name, step in expressions.steps(definition).items()
        if step["Type"] == "Condition"
        for one in step["Arguments"]["Conditions"]
        for path in [one["LeftValue"]["Std:JsonGet"]["Path"]]
    ]
    return pd.DataFrame(rows).set_index(["step", "condition"])


def as_json(definition: str, name: str) -> Text:
    """The JSON of one step, as SageMaker gets it, with short parts on one line.

    Raises:
        BadInput: the definition has no such step.
    """
    return text(_folded(_find(definition, name)))


def _find(definition: str, name: str) -> Mapping[str, Any]:
    steps = expressions.steps(definition)
    if name not in steps:
        raise BadInput(f"The definition has no step {name!r}; it has {', '.join(steps)}.")
    return steps[name]


def _processing(arguments: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    application, cluster = arguments["AppSpecification"], arguments["ProcessingResources"]["ClusterConfig"]
    words = [*application["ContainerEntrypoint"], *application.get("ContainerArguments", [])]
    return {
        "reads": [
            f"{one['InputName']}: {in_words(one['S3Input']['S3Uri'], values)}"
            for one in arguments["ProcessingInputs"]
        ],
        "writes": [one["OutputName"] for one in arguments["ProcessingOutputConfig"]["Outputs"]],
        "instance": _instance(cluster, arguments, values),
        "command": " ".join(in_words(word, values) for word in words),
    }


def _training(arguments: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    given = arguments["HyperParameters"]
    own = {name: value for name, value in given.items() if not name.startswith("sagemaker_")}
    return {
        "reads": [*_channels(arguments, values), f"code: {_code(given, values)}"],
        "writes": ["model.tar.gz: the model", "output.tar.gz: what is kept beside it"],
        "instance": _instance(arguments["ResourceConfig"], arguments, values),
        "command": f"train, which runs {given['sagemaker_program']}",
        "hyperparameters": [f"{name} = {in_words(value, values)}" for name, value in own.items()],
    }


def _tuning(arguments: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    trials, config = arguments["TrainingJobDefinitions"], arguments["HyperParameterTuningJobConfig"]
    first, limits = trials[0], config["ResourceLimits"]
    most, at_once = (
        in_words(limits[name], values) for name in ("MaxNumberOfTrainingJobs", "MaxParallelTrainingJobs")
    )
    given = first["StaticHyperParameters"]
    return {
        "reads": [*_channels(first, values), f"code: {_code(given, values)}"],
        "writes": ["output.tar.gz of each trial: what it predicted"],
        "instance": _instance(first["ResourceConfig"], first, values),
        "command": f"train, which runs {given['sagemaker_program']}",
        "trials": f"{most}, {at_once} at a time, drawn at random",
        "algorithms": ", ".join(each["DefinitionName"] for each in trials),
    }


def _condition(arguments: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "holds if": [
            f"{in_words(one['LeftValue'], values)} >= {in_words(one['RightValue'], values)}"
            for one in arguments["Conditions"]
        ],
        "then": ", ".join(each["Name"] for each in arguments["IfSteps"]) or "nothing more",
        "else": ", ".join(each["Name"] for each in arguments["ElseSteps"]) or "nothing more",
    }


def _register(arguments: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    (container,) = arguments["InferenceSpecification"]["Containers"]
    return {
        "reads": in_words(container["ModelDataUrl"], values),
        "writes": f"a version in the group {in_words(arguments['ModelPackageGroupName'], values)}",
        "status": in_words(arguments["ModelApprovalStatus"], values),
    }


def _other(arguments: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: in_words(value, values) for name, value in arguments.items()}


ROWS: Mapping[str, Callable[[Mapping[str, Any], Mapping[str, Any]], dict[str, Any]]] = {
    "Processing": _processing,
    "Training": _training,
    "Tuning": _tuning,
    "Condition": _condition,
    "RegisterModel": _register,
}


def _channels(arguments: Mapping[str, Any], values: Mapping[str, Any]) -> list[str]:
    return [
        f"{one['ChannelName']}: {in_words(one['DataSource']['S3DataSource']['S3Uri'], values)}"
        for one in arguments["InputDataConfig"]
    ]


def _code(hyperparameters: Mapping[str, Any], values: Mapping[str, Any]) -> str:
    return in_words(hyperparameters["sagemaker_submit_directory"], values)


def _instance(cluster: Mapping[str, Any], arguments: Mapping[str, Any], values: Mapping[str, Any]) -> str:
    minutes = arguments["StoppingCondition"]["MaxRuntimeInSeconds"] // 60
    count = in_words(cluster["InstanceCount"], values)
    kind = in_words(cluster["InstanceType"], values)
    spot = ", on spot capacity" if arguments.get("EnableManagedSpotTraining") else ""
    return f"{count} x {kind}{spot}, {cluster['VolumeSizeInGB']} GB, at most {minutes:,} minutes"


def _folded(value: Any, indent: str = "") -> str:
    """JSON whose objects and lists stand on one line where they fit."""
    flat = json.dumps(value)
    if len(indent) + len(flat) <= WIDTH or not isinstance(value, Mapping | list):
        return flat
    deeper = f"{indent}  "
    if isinstance(value, Mapping):
        lines = [f"{deeper}{json.dumps(name)}: {_folded(one, deeper)}" for name, one in value.items()]
        return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
    return "[\n" + ",\n".join(f"{deeper}{_folded(one, deeper)}" for one in value) + f"\n{indent}]"
