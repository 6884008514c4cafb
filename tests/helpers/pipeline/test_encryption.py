"""Jobs encrypt what they write with the key of the environment, or name none."""

import dataclasses
import json

import botocore.session
from support.helpers.shared import Compiled

KEY = "arn:aws:kms:us-east-1:123456789012:key/k"


def test_every_job_of_the_pipeline_encrypts_with_the_key_and_nothing_else_changes(compiled: Compiled) -> None:
    from helpers import pipeline

    session = dataclasses.replace(compiled.compiler.session, kms_key_arn=KEY)
    compiler = pipeline.Compiler(session, compiled.compiler.sources)
    encrypted = json.loads(pipeline.definition(compiler, compiled.parameters, compiled.steps))
    steps = {step["Name"]: step["Arguments"] for step in encrypted["Steps"]}
    outputs = [
        steps["PreprocessData"]["ProcessingOutputConfig"],
        steps["EvaluateBestModel"]["ProcessingOutputConfig"],
        steps["RefitBestModel"]["OutputDataConfig"],
        *(
            trial["OutputDataConfig"]
            for trial in steps["TuningWithCrossValidation"]["TrainingJobDefinitions"]
        ),
    ]
    assert [written.pop("KmsKeyId") for written in outputs] == [KEY] * len(outputs)
    assert encrypted == json.loads(compiled.definition)


def test_aws_knows_the_field() -> None:
    model = botocore.session.get_session().get_service_model("sagemaker")
    for shape in ("ProcessingOutputConfig", "OutputDataConfig"):
        assert model.shape_for(shape).members["KmsKeyId"].type_name == "string"
