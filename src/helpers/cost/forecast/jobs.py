"""Which jobs a pipeline's definition runs: their number, their instances, and what they wait for.

It reads the compiled JSON, so it is right for any pipeline. `own` is the same for the project's pipelines,
for when they have not been compiled yet.

Follows https://docs.aws.amazon.com/sagemaker/latest/dg/pipelines-build.html
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tabular.spec.search import SEARCH_JOB_SECONDS

__all__ = ["Step", "of_definition", "own"]

# Steps that run no instance. A Lambda step is billed too, but for a fraction of a cent.
FREE = ("Condition", "Fail", "Model", "RegisterModel", "Callback", "Lambda")
REFERENCE = re.compile(r'"Steps\.([^."\[]+)')
SEARCH = "tabular.jobs.search"  # the program of a job that runs all trials


@dataclass(frozen=True)
class Step:
    """A step that runs jobs.

    Attributes:
        name: its name in the definition.
        kind: of its jobs, as SageMaker's quotas call it: `processing`, `training` or `transform`.
        types: the instance types that a job may get; empty if the definition does not say.
        instances: how many of them each job has; those of a packed search are for a table with partitions.
        volume_gb: the disk of each instance.
        jobs: how many jobs there are at most.
        parallel: how many of them run at the same time.
        spot: whether they run on spot capacity.
        limit_seconds: how long a job may run.
        budget_seconds: the limit that a packed search keeps by itself; 0 for none.
        trials: whether its jobs are trials of a tuning job.
        packed: how many trials each of its jobs runs, if it is a packed search; with partitions, for each.
        after: the steps that must have ended before.
        optional: whether a condition decides that it runs.
    """

    name: str
    kind: str
    types: tuple[str, ...]
    instances: int = 1
    volume_gb: float = 30
    jobs: int = 1
    parallel: int = 1
    spot: bool = False
    limit_seconds: float = 86_400
    budget_seconds: float = 0
    trials: bool = False
    packed: int = 0
    after: tuple[str, ...] = ()
    optional: bool = False


def own(values: Mapping[str, Any]) -> tuple[Step, ...]:
    """The steps of the project's pipelines, for the values of the notebooks' parameters."""
    trials, spot = values["MAX_TUNING_JOBS"], values["USE_SPOT"]

    def training(name: str, *after: str, seconds: float = 3600, **facts: Any) -> Step:
        where = (values["TRAINING_INSTANCE"],)
        return Step(name, "training", where, spot=spot, limit_seconds=seconds, after=after, **facts)

    def processing(name: str, instance: str, *after: str) -> Step:
        return Step(name, "processing", (values[instance],), limit_seconds=3600, after=after)

    if values["SEARCH"] == "packed":
        how = {
            "seconds": SEARCH_JOB_SECONDS,
            "budget_seconds": values["SEARCH_SECONDS"],
            "packed": trials,
            "instances": values["FLEET_INSTANCES"],
        }
        search = [training("SearchAndRefit", "PreprocessData", **how)]
    else:
        parallel = min(trials, values["MAX_TUNING_PARALLEL_JOBS"])
        how = {"jobs": trials, "parallel": parallel, "trials": True}
        search = [
            training("TuningWithCrossValidation", "PreprocessData", **how),
            training("RefitBestModel", "PreprocessData", "TuningWithCrossValidation"),
        ]
    return (
        processing("PreprocessData", "PREPROCESSING_INSTANCE"),
        *search,
        processing("EvaluateBestModel", "EVALUATION_INSTANCE", "PreprocessData", search[-1].name),
    )


def of_definition(
    definition: str, parameters: Mapping[str, Any] | None = None
) -> tuple[tuple[Step, ...], dict[str, str]]:
    """The steps of a compiled definition that run jobs, and those about which that cannot be said.

    Args:
        definition: the JSON that SageMaker gets.
        parameters: values for the pipeline's parameters; the others have their defaults.

    Returns:
        The steps in the definition's order, and by the names of the others why nothing is known of them.
    """
    document = json.loads(definition)
    values = {each["Name"]: each.get("DefaultValue") for each in document.get("Parameters", [])}
    values |= parameters or {}
    known, unknown = [], {}
    for step, after, optional in _flat(document["Steps"]):
        if step["Type"] in FREE:
            continue
        try:
            made = _step(step, values)
        except (KeyError, TypeError, ValueError):
            unknown[step["Name"]] = f"a step of the type {step['Type']}, whose jobs are not known beforehand"
            continue
        known.append(replace(made, after=tuple(sorted(after)), optional=optional))
    names = {step.name for step in known}
    waits = {step["Name"]: after for step, after, _ in _flat(document["Steps"])}
    return tuple(replace(s, after=tuple(sorted(_through(s.name, waits, names)))) for s in known), unknown


def _flat(
    steps: list[Mapping[str, Any]], condition: str = ""
) -> Iterator[tuple[Mapping[str, Any], set[str], bool]]:
    """Every step with the names of those that it waits for, those inside of conditions included."""
    for step in steps:
        arguments = step.get("Arguments", {})
        if step["Type"] == "Condition":
            outside = {"Conditions": arguments.get("Conditions", [])}
            yield step, _after({**step, "Arguments": outside}, condition), bool(condition)
            for branch in ("IfSteps", "ElseSteps"):
                yield from _flat(arguments.get(branch, []), step["Name"])
        else:
            yield step, _after(step, condition), bool(condition)


def _after(step: Mapping[str, Any], condition: str) -> set[str]:
    referred = set(REFERENCE.findall(json.dumps(step.get("Arguments", {}))))
    return referred | set(step.get("DependsOn") or ()) | ({condition} if condition else set())


def _through(name: str, waits: Mapping[str, set[str]], known: set[str]) -> set[str]:
    """The steps with jobs that a step waits for, also through steps without jobs."""
    found, seen, open_ = set(), set(), set(waits.get(name, ()))
    while open_:
        other = open_.pop()
        if other in seen:
            continue
        seen.add(other)
        if other in known:
            found.add(other)
        else:
            open_ |= set(waits.get(other, ()))
    return found


def _step(step: Mapping[str, Any], values: Mapping[str, Any]) -> Step:
    """What a step runs.

    Raises:
        KeyError: the definition does not say.
        TypeError: likewise.
        ValueError: likewise, because an earlier step decides it.
    """
    arguments, name = step["Arguments"], step["Name"]
    if "ProcessingResources" in arguments:
        cluster = arguments["ProcessingResources"]["ClusterConfig"]
        return _of_jobs(name, "processing", [cluster], arguments, values)
    if "TransformResources" in arguments:
        return _of_jobs(name, "transform", [arguments["TransformResources"]], arguments, values)
    if "HyperParameterTuningJobConfig" in arguments:
        trials = arguments.get("TrainingJobDefinitions") or [arguments["TrainingJobDefinition"]]
        limits = arguments["HyperParameterTuningJobConfig"]["ResourceLimits"]
        jobs = int(_value(limits["MaxNumberOfTrainingJobs"], values))
        clusters = [cluster for each in trials for cluster in _clusters(each)]
        made = _of_jobs(name, "training", clusters, trials[0], values)
        parallel = min(jobs, int(_value(limits["MaxParallelTrainingJobs"], values)))
        spot = all(_value(each.get("EnableManagedSpotTraining", False), values) is True for each in trials)
        return replace(made, jobs=jobs, parallel=parallel, spot=spot, trials=True)
    made = _of_jobs(name, "training", [arguments["ResourceConfig"]], arguments, values)
    given = arguments.get("HyperParameters", {})
    if given.get("sagemaker_program") == SEARCH:
        trials, seconds = (int(_value(given[name], values)) for name in ("trials", "seconds"))
        made = replace(made, packed=trials, budget_seconds=seconds)
    return replace(made, spot=_value(arguments.get("EnableManagedSpotTraining", False), values) is True)


def _clusters(trial: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What a trial may run on: the SDK writes one of two keys, and of the second, alternatives."""
    if "ResourceConfig" in trial:
        return [trial["ResourceConfig"]]
    resources = trial["HyperParameterTuningResourceConfig"]
    return resources.get("InstanceConfigs") or [resources]


def _of_jobs(
    name: str,
    kind: str,
    clusters: list[Mapping[str, Any]],
    arguments: Mapping[str, Any],
    values: Mapping[str, Any],
) -> Step:
    types = dict.fromkeys(str(_value(cluster["InstanceType"], values)) for cluster in clusters)
    limit = arguments.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", Step.limit_seconds)
    return Step(
        name,
        kind,
        tuple(types),
        max(int(_value(cluster["InstanceCount"], values)) for cluster in clusters),
        max(float(_value(cluster.get("VolumeSizeInGB", 0), values)) for cluster in clusters),
        limit_seconds=float(_value(limit, values)),
    )


def _value(value: Any, values: Mapping[str, Any]) -> Any:
    """A literal, or the value of the parameter that it refers to; several, joined to a text.

    Raises:
        KeyError: there is no such parameter.
        ValueError: it refers to something else, which is known only while the pipeline runs.
    """
    if not isinstance(value, Mapping):
        return value
    if join := value.get("Std:Join"):
        return join["On"].join(str(_value(each, values)) for each in join["Values"])
    place = value.get("Get", "")
    if not isinstance(place, str) or not place.startswith("Parameters."):
        raise ValueError(f"{value} is known only while the pipeline runs")
    return values[place.removeprefix("Parameters.")]
