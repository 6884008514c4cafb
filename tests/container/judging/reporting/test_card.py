"""The model card: SageMaker's schema, the request that carries it, and its length.

model_card.schema.json says what AWS publishes of the card of a model package:
https://docs.aws.amazon.com/sagemaker/latest/dg/model-registry-details.html#model-card-schema
"""

import copy
import json
from pathlib import Path

import jsonschema
import pytest
from support.container.reports import CLASSIFIED, ENSEMBLE, MEMBERS, REGRESSED
from tabular.judging.reporting.card import CONTENT, model_card

from local_aws.core.errors import AwsError
from local_aws.core.requests.validation import validate

SCHEMA = json.loads((Path(__file__).parent / "model_card.schema.json").read_text())
GROUP = "many-models--toys"
JOB_ARN = "arn:aws:sagemaker:eu-west-1:123456789012:processing-job/pipelines-abc-EvaluateBestModel-xyz"
JOB = {
    "ProcessingJobName": "pipelines-abc-EvaluateBestModel-xyz",
    "ProcessingJobArn": JOB_ARN,
    "ProcessingInputs": [
        {"InputName": name, "S3Input": {"S3Uri": f"s3://bucket/{name}"}} for name in ("model", "test", "code")
    ],
}


def check(content):
    """The card, if both the schema and the registry's request take it."""
    card = json.loads(content)
    jsonschema.Draft7Validator(SCHEMA).validate(card)
    request = {
        "ModelPackageGroupName": GROUP,
        "ModelCard": {"ModelCardContent": content, "ModelCardStatus": "PendingReview"},
        "CustomerMetadataProperties": {"comparison": CLASSIFIED["gate"]["summary"]},
    }
    validate("sagemaker", "CreateModelPackage", request)
    return card


@pytest.mark.parametrize("report", [CLASSIFIED, REGRESSED], ids=["classification", "regression"])
def test_a_card_is_what_the_registry_takes(report):
    card = check(model_card(report, GROUP, JOB))
    assert card["evaluation_details"][0]["evaluation_observation"] == report["gate"]["comparison"]
    (metrics, *_) = card["evaluation_details"][0]["metric_groups"]
    quality = next(value for name, value in report.items() if name.endswith("_metrics"))
    shown = {one["name"]: one["value"] for one in metrics["metric_data"]}
    assert shown == {name: one["value"] for name, one in quality.items() if "value" in one}


def test_it_names_jobs_data_hyperparameters_and_hashes():
    card = check(model_card(CLASSIFIED, GROUP, JOB))
    training = card["training_details"]["training_job_details"]
    assert training["training_arn"] == "arn:aws:sagemaker:eu-west-1:123456789012:training-job/refit-1"
    assert {"name": "max_depth", "value": "3"} in training["hyper_parameters"]
    (evaluation,) = card["evaluation_details"]
    assert evaluation["evaluation_job_arn"] == JOB_ARN
    assert evaluation["datasets"] == ["s3://bucket/test"]
    assert card["model_overview"]["model_artifact"] == ["s3://bucket/model"]
    assert card["additional_information"]["custom_details"]["training data SHA-256"] == "ab" * 32


def test_an_ensemble_is_named_by_its_members():
    report = CLASSIFIED | {"model": CLASSIFIED["model"] | ENSEMBLE}
    training = check(model_card(report, GROUP, JOB))["training_details"]
    assert training["training_observations"].startswith("The weighted mean of 2 trials won the search and")
    named = {one["name"]: one["value"] for one in training["training_job_details"]["hyper_parameters"]}
    assert named == {"algorithm": "Ensemble", **MEMBERS}
    metrics = {one["name"]: one["value"] for one in training["training_job_details"]["training_metrics"]}
    assert metrics == {"cross_validation_score": -0.31, "nested_cross_validation_score": -0.34}


def test_outside_of_a_job_it_is_a_card_all_the_same():
    card = check(model_card(REGRESSED, GROUP, {}))
    assert "evaluation_job_arn" not in card["evaluation_details"][0]


def test_it_is_one_line_of_plain_characters():
    report = copy.deepcopy(CLASSIFIED)
    report["gate"]["comparison"] = "Zeile eins\nZeile zwei: größer"
    content = model_card(report, GROUP, JOB)
    assert content.isascii()
    assert "\n" not in content
    assert (
        check(content)["evaluation_details"][0]["evaluation_observation"] == "Zeile eins Zeile zwei: größer"
    )


def test_long_names_and_many_levels_are_cut_to_what_is_allowed():
    report = copy.deepcopy(CLASSIFIED)
    level = {"rows": 20, "metrics": {"auc": 0.5}, "intervals": {}}
    report["subgroups"] = {f"c{i}" * 40: {f"{j}" * 80: level for j in range(20)} for i in range(100)}
    report["permutation_importance"] = {
        f"x{i}" * 50: {"mean": 0.1, "standard_deviation": 0.0} for i in range(200)
    }
    report["model"]["hyperparameters"] = {f"p{i}": "v" * 400 for i in range(120)}
    report["gate"]["comparison"] = "word " * 1000
    content = model_card(report, GROUP, JOB)
    assert len(content) <= CONTENT
    groups = check(content)["evaluation_details"][0]["metric_groups"]
    assert groups[0]["name"] == "Metrics"


def test_a_confusion_matrix_of_too_many_classes_is_left_out():
    report = copy.deepcopy(CLASSIFIED)
    labels = [str(i) for i in range(21)]
    counts = {label: dict.fromkeys(labels, 1) for label in labels}
    report["binary_classification_metrics"]["confusion_matrix"] = counts
    check(model_card(report, GROUP, JOB))


def test_the_registry_refuses_a_card_of_several_lines():
    with pytest.raises(AwsError):
        check(json.dumps(json.loads(model_card(REGRESSED, GROUP, {})), indent=1))


def test_the_schema_refuses_what_no_card_may_hold():
    card = json.loads(model_card(CLASSIFIED, GROUP, JOB))
    card["evaluation_details"][0]["metric_groups"][0]["metric_data"][0]["value"] = [[1, 2], [3]]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft7Validator(SCHEMA).validate(card)
