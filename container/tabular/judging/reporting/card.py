"""The model card of a model package, in SageMaker's schema for the cards of model packages.

https://docs.aws.amazon.com/sagemaker/latest/dg/model-registry-details.html#model-card-schema
ModelCardContent is one line of at most 100,000 characters. The card stays far below that limit, because a
JsonGet puts it into the request, and the maximum length there is not documented.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tabular.spec.documents.models import ModelFacts
from tabular.spec.documents.reports import FleetReport, Interval, Quality, Report, quality
from tabular.spec.documents.words import members, searched
from tabular.spec.metrics import direction

__all__ = ["model_card"]

CONTENT = 50_000  # characters
OBSERVATION, LINE, NAME, VALUE = 2096, 1024, 63, 255
MATRIX = 20
BARS = 20
POINTS = 50
HYPERPARAMETERS = 100
USE = (
    "Predictions for rows with the columns of the training table, from the same population as that table. "
    "A person decides whether the model is deployed."
)
CAVEATS = (
    "The model was evaluated only on held-out rows of the same table; on rows from another time or place it "
    "may be worse. Intervals are from a seeded bootstrap of these rows. Permutation importance shows what "
    "the model uses, not what causes the target."
)


def model_card(report: Report, group: str, job: Mapping[str, Any]) -> str:
    """The content of the card as text, from an evaluation.json and the description of the job behind it."""
    model = report["model"]
    inputs = _inputs(job)
    groups = list(_metric_groups(report))
    card = {
        "model_overview": {
            "model_creator": _cut(f"Pipeline of {group}", LINE),
            "model_artifact": [_cut(uri, LINE) for name, uri in inputs.items() if name == "model"],
        },
        "intended_uses": {
            "purpose_of_model": _cut(f"Predicts {model['target']} ({model['task']}).", LINE),
            "intended_uses": USE,
            "risk_rating": "Unknown",
        },
        "training_details": _training(model, job),
        "evaluation_details": [
            {
                "name": "Held-out rows",
                "evaluation_observation": _cut(report["gate"]["comparison"], OBSERVATION),
                **_given("evaluation_job_arn", str(job.get("ProcessingJobArn", ""))),
                "datasets": [_cut(uri, LINE) for name, uri in inputs.items() if name == "test"],
                "metadata": {
                    "rows": str(report["rows"]["held_out"]),
                    "threshold": f"{report['gate']['metric']} {report['gate']['threshold']:.6g} "
                    f"({direction(report['gate']['metric'])})",
                    **(
                        {"positive class": _cut(str(report["positive"]), LINE)}
                        if "positive" in report
                        else {}
                    ),
                    "evaluation job": _cut(str(job.get("ProcessingJobName", "")), LINE),
                },
                "metric_groups": groups,
            }
        ],
        "additional_information": {
            "caveats_and_recommendations": CAVEATS,
            "custom_details": {
                "training data SHA-256": str(model["training"].get("data_sha256", "")),
                "agreement with scikit-learn": f"{report['agreement']['largest_difference']:.3g}",
                **({"partitions": _partitions(report["fleet"])} if "fleet" in report else {}),
                "libraries": _cut(" ".join(f"{k}={v}" for k, v in model["libraries"].items()), LINE),
            },
        },
    }
    while len(text := json.dumps(card, separators=(",", ":"), allow_nan=False)) > CONTENT:
        groups.pop()  # the last group is the least important
    return text


def _training(model: ModelFacts, job: Mapping[str, Any]) -> dict[str, Any]:
    training, validation = model["training"], model["cross_validation"]
    scores = {"cross_validation_score": "score", "nested_cross_validation_score": "nested_score"}
    return {
        "objective_function": {
            "function": {"function": "Maximize", "facet": _cut(str(validation.get("scorer", "")), NAME)},
            "notes": f"Mean over {validation.get('folds', '')} folds of cross-validation; greater is better. "
            "The winner's score is too optimistic; no nested fold scores what it has helped to select.",
        },
        "training_observations": _cut(
            f"{_winner(model)} won the search and was refitted on {training.get('rows')} rows."
            + (f" The trials saw {said}, the model all." if (said := searched(model)) else ""),
            LINE,
        ),
        "training_job_details": {
            **_given(
                "training_arn", _training_arn(str(job.get("ProcessingJobArn", "")), training.get("job"))
            ),
            "training_metrics": [
                {"name": name, "value": float(validation[key])}
                for name, key in scores.items()
                if key in validation
            ],
            "hyper_parameters": [
                {"name": _cut(name, VALUE), "value": _cut(str(value), VALUE)}
                for name, value in [
                    ("algorithm", model["algorithm"]),
                    *sorted(model["hyperparameters"].items()),
                    *members(model).items(),
                ][:HYPERPARAMETERS]
            ],
        },
    }


def _partitions(fleet: FleetReport) -> str:
    return (
        f"{fleet['partitions']}: {fleet['own']} with a model of their own, {fleet['pooled']} with the "
        f"pooled one; {fleet['kept']} keep what served them before"
    )


def _winner(model: ModelFacts) -> str:
    if model["algorithm"] == "Fleet":
        return "A model for each partition, or the pooled model of all,"
    found = members(model)
    return f"The weighted mean of {len(found)} trials" if found else model["algorithm"]


def _metric_groups(report: Report) -> Iterable[dict[str, Any]]:
    held_out = quality(report)
    yield {
        "name": "Metrics",
        "metric_data": [
            _number(name, found["value"], report["intervals"].get(name), direction(name))
            for name, found in held_out.items()
            if "value" in found
        ],
    }
    if report["champion"] and report["champion"]["metrics"]:
        yield {
            "name": "Improvement over the version in service",
            "metric_data": [
                _number(name, found["difference"], found, "positive is better")
                for name, found in report["champion"]["metrics"].items()
            ],
        }
    pictures = [*_confusion(held_out), *_roc(held_out)]
    if pictures:
        yield {"name": "Predictions", "metric_data": pictures}
    if importance := list(report["permutation_importance"].items())[:BARS]:
        values = [(name, found["mean"]) for name, found in importance]
        loss = _bars(
            "How much worse the metric is when a column is shuffled", values, report["gate"]["metric"]
        )
        yield {"name": "Permutation importance", "metric_data": [loss]}
    metric = report["gate"]["metric"]
    for column, levels in report["subgroups"].items():
        values = [
            (level, one["metrics"][metric]) for level, one in levels.items() if metric in one["metrics"]
        ]
        if values:
            up = f"{metric} ({direction(metric)})"
            yield {"name": _cut(f"By {column}", NAME), "metric_data": [_bars(column, values, up)]}


def _number(name: str, value: float, spread: Interval | None, better: str) -> dict[str, Any]:
    notes = [better] if better else []
    if spread:
        notes.append(f"{spread['confidence']:.0%} interval {spread['low']:.6g} to {spread['high']:.6g}")
    return {"name": name, "type": "number", "value": value, **_given("notes", "; ".join(notes))}


def _bars(name: str, values: Sequence[tuple[str, float]], up: str) -> dict[str, Any]:
    return {
        "name": _cut(name, VALUE),
        "type": "bar_chart",
        "value": [value for _, value in values],
        "x_axis_name": [_cut(label, NAME) for label, _ in values],
        "y_axis_name": _cut(up, NAME),
    }


def _confusion(found: Quality) -> Iterable[dict[str, Any]]:
    counts = found.get("confusion_matrix", {})
    if 0 < len(counts) <= MATRIX:
        labels = [_cut(label, NAME) for label in counts]
        rows = [list(row.values()) for row in counts.values()]
        axes = {"x_axis_name": labels, "y_axis_name": labels}
        yield {"name": "confusion_matrix", "type": "matrix", "value": rows, **axes}


def _roc(found: Quality) -> Iterable[dict[str, Any]]:
    if curve := found.get("receiver_operating_characteristic_curve"):
        points = list(zip(curve["false_positive_rates"], curve["true_positive_rates"], strict=True))
        step = -(-len(points) // POINTS)
        yield {
            "name": "receiver_operating_characteristic_curve",
            "type": "linear_graph",
            "value": [list(point) for point in [*points[:-1:step], points[-1]]],
            "x_axis_name": "false_positive_rate",
            "y_axis_name": "true_positive_rate",
        }


def _inputs(job: Mapping[str, Any]) -> dict[str, str]:
    return {one["InputName"]: one["S3Input"]["S3Uri"] for one in job.get("ProcessingInputs", [])}


def _training_arn(evaluation_arn: str, training_job: str | None) -> str:
    """The ARN of the training job, which ran in the same account and region."""
    before, found, _ = evaluation_arn.partition(":processing-job/")
    return f"{before}:training-job/{training_job}" if found and training_job else ""


def _given(name: str, value: str) -> dict[str, str]:
    return {name: value} if value else {}


def _cut(text: str, most: int) -> str:
    """The text in one line, cut to at most `most` characters, and never empty."""
    line = " ".join(text.split()) or "-"
    return line if len(line) <= most else line[: most - 1] + "…"
