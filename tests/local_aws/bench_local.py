"""What local_aws costs: `python tests/local_aws/bench_local.py` prints it as a table.

Start to ready, a step that does nothing, and a tuning step beside the same cross-validations run bare in a
process pool of the same width. The search and the rows are fixed, so that figures can be compared.
"""

import json
import multiprocessing
import os
import statistics
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from toy_aws import Aws
from toy_pipeline import definition, finish, processing, source_archive, training_request

import local_aws
from local_aws.search import Search
from local_aws.workers import ONE_THREAD

TRIALS, WIDTH, SEED = 24, 2, 7
ROLE = "arn:aws:iam::123456789012:role/toy-jobs"
RANGES = {
    "IntegerParameterRanges": [{"Name": "n_estimators", "MinValue": "50", "MaxValue": "150"}],
    "ContinuousParameterRanges": [{"Name": "max_features", "MinValue": "0.1", "MaxValue": "1"}],
}
SCORE = """
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import cross_val_score

def score(parameters):
    X, y = load_breast_cancer(return_X_y=True)
    forest = RandomForestClassifier(
        n_estimators=int(parameters["n_estimators"]),
        max_features=float(parameters["max_features"]),
        random_state=0,
    )
    return cross_val_score(forest, X, y, cv=3).mean()
"""
TRIAL = f"""{SCORE}
import json, os
path = os.environ["SAGEMAKER_BASE_DIR"] + "/input/config/hyperparameters.json"
print(f"score={{score(json.load(open(path)))}}")
"""


def main() -> None:
    """Measure and print."""
    os.environ.update(ONE_THREAD)
    bare = seconds_bare()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        started = time.monotonic()
        server = local_aws.start(home, owner=os.getpid())
        ready = time.monotonic() - started
        try:
            aws = Aws(server.endpoint_url, home)
            aws.client("s3").create_bucket(Bucket="toys")
            overhead = seconds_of_nothing(aws)
            seconds_of_tuning(aws, WIDTH)  # until the warm process has imported everything
            tuning = seconds_of_tuning(aws, TRIALS)
        finally:
            local_aws.stop(home)
    print("| | seconds | target |\n|---|---:|---:|")
    print(f"| start to ready | {ready:.2f} | < 3 |")
    print(f"| a step that does nothing | {overhead:.2f} | < 0.3 |")
    print(f"| {TRIALS} cross-validations, {WIDTH} at a time, bare | {bare:.1f} | |")
    print(f"| the same as a tuning step | {tuning:.1f} | |")
    print(f"| ratio | {tuning / bare:.2f} | <= 1.3 |")


def seconds_bare() -> float:
    """Return the wall time of all trials in a warm process pool."""
    definitions = [{"HyperParameterRanges": RANGES}]
    search = Search("Random", definitions, SEED, TRIALS)
    proposals = [search.propose(trial, []) for trial in range(TRIALS)]
    # Processes of a forkserver: as warm as local_aws's, and as separate.
    with ProcessPoolExecutor(WIDTH, multiprocessing.get_context("forkserver")) as pool:
        list(pool.map(score, proposals[:WIDTH]))
        started = time.monotonic()
        list(pool.map(score, proposals))
        return time.monotonic() - started


def score(parameters: dict[str, str]) -> float:
    """Cross-validate once, by the very source that the trials run."""
    space: dict[str, Any] = {}
    exec(SCORE, space)
    return space["score"](parameters)


def seconds_of_nothing(aws: Aws) -> float:
    """Return the median time that a step takes whose command ends at once, less the command's own."""
    sagemaker = aws.client("sagemaker")
    step = processing("Nothing", "pass")
    step["Arguments"]["AppSpecification"]["ContainerEntrypoint"] = ["true"]
    sagemaker.create_pipeline(PipelineName="nothing", PipelineDefinition=definition([step]), RoleArn=ROLE)
    seconds = []
    for _ in range(12):
        arn = sagemaker.start_pipeline_execution(PipelineName="nothing")["PipelineExecutionArn"]
        _, steps = finish(sagemaker, arn)
        seconds.append((steps["Nothing"]["EndTime"] - steps["Nothing"]["StartTime"]).total_seconds())
    return statistics.median(seconds)


def seconds_of_tuning(aws: Aws, trials: int) -> float:
    """Return the wall time of a tuning step with the first of the same trials."""
    aws.client("s3").put_object(Bucket="toys", Key="source.tar.gz", Body=source_archive("toy_bench", TRIAL))
    trial = {
        **training_request(),
        "DefinitionName": "forest",
        "TuningObjective": {"Type": "Maximize", "MetricName": "score"},
        "HyperParameterRanges": RANGES,
        "StaticHyperParameters": {
            "sagemaker_program": "toy_bench",
            "sagemaker_submit_directory": "s3://toys/source.tar.gz",
        },
    }
    limits = {"MaxNumberOfTrainingJobs": trials, "MaxParallelTrainingJobs": WIDTH}
    configuration = {"Strategy": "Random", "ResourceLimits": limits, "RandomSeed": SEED}
    arguments = {"HyperParameterTuningJobConfig": configuration, "TrainingJobDefinitions": [trial]}
    step = {"Name": "Tune", "Type": "Tuning", "Arguments": arguments}
    sagemaker = aws.client("sagemaker")
    name = f"tune-{trials}"
    sagemaker.create_pipeline(PipelineName=name, PipelineDefinition=definition([step]), RoleArn=ROLE)
    arn = sagemaker.start_pipeline_execution(PipelineName=name)["PipelineExecutionArn"]
    execution, steps = finish(sagemaker, arn)
    if execution["PipelineExecutionStatus"] != "Succeeded":
        raise SystemExit(json.dumps(execution, default=str))
    return (steps["Tune"]["EndTime"] - steps["Tune"]["StartTime"]).total_seconds()


if __name__ == "__main__":
    main()
