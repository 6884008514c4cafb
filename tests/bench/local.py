"""What local_aws costs: `python tests/bench/local.py` prints it as a table.

Start to ready, a step that does nothing, and a tuning step beside the same cross-validations run bare in a
process pool of the same width. The search and the rows are fixed, so that figures can be compared; pool and
step take turns, so that whatever else the machine does meets both.
"""

import json
import multiprocessing
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from support.local_aws.aws import Aws
from support.local_aws.pipeline import definition, processing, source_archive, training_request

import local_aws
from local_aws.compute.workers import ONE_THREAD
from local_aws.services.jobs.search import Search

TRIALS, WIDTH, SEED, ROUNDS = 24, 2, 7, 5
FORKSERVER = multiprocessing.get_context("forkserver")  # as warm as local_aws's, and as separate
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
    with running() as (aws, ready), ProcessPoolExecutor(WIDTH, FORKSERVER) as pool:
        overhead = seconds_of_nothing(aws)
        seconds_bare(pool, WIDTH)  # until the processes have imported everything
        seconds_of_tuning(aws, WIDTH, 0)
        rounds = [(seconds_bare(pool, TRIALS), seconds_of_tuning(aws, TRIALS, r)) for r in range(ROUNDS)]
    bare, tuning = (statistics.median(seconds) for seconds in zip(*rounds, strict=True))
    ratios = sorted(tuned / untuned for untuned, tuned in rounds)
    print(f"medians of {ROUNDS} rounds, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n")
    print("| | seconds | target |\n|---|---:|---:|")
    print(f"| start to ready | {ready:.2f} | < 3 |")
    print(f"| a step that does nothing | {overhead:.2f} | < 0.3 |")
    print(f"| {TRIALS} cross-validations, {WIDTH} at a time, bare | {bare:.1f} | |")
    print(f"| the same as a tuning step | {tuning:.1f} | |")
    print(f"| ratio | {statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f}) | <= 1.3 |")


@contextmanager
def running() -> Iterator[tuple[Aws, float]]:
    """A server with a bucket, and the seconds until it was ready."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        started = time.monotonic()
        server = local_aws.start(home, owner=os.getpid())
        ready = time.monotonic() - started
        try:
            aws = Aws(server.endpoint_url, home)
            aws.client("s3").create_bucket(Bucket="toys")
            yield aws, ready
        finally:
            local_aws.stop(home)


def seconds_bare(pool: ProcessPoolExecutor, trials: int) -> float:
    """Return the wall time of the trials in a warm process pool."""
    search = Search("Random", [{"HyperParameterRanges": RANGES}], SEED, trials)
    proposals = [search.propose(trial, []) for trial in range(trials)]
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
        seconds.append(seconds_of_step(aws, arn))
    return statistics.median(seconds)


def seconds_of_step(aws: Aws, arn: str) -> float:
    """Return the wall time of an execution's only step, as it is recorded."""
    sagemaker = aws.client("sagemaker")
    while True:
        execution = sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)
        if execution["PipelineExecutionStatus"] != "Executing":
            break
        time.sleep(0.2)
    if execution["PipelineExecutionStatus"] != "Succeeded":
        raise SystemExit(json.dumps(execution, default=str))
    (step,) = sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=arn)["PipelineExecutionSteps"]
    return (step["EndTime"] - step["StartTime"]).total_seconds()


def seconds_of_tuning(aws: Aws, trials: int, number: int) -> float:
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
    name = f"tune-{trials}-{number}"
    sagemaker.create_pipeline(PipelineName=name, PipelineDefinition=definition([step]), RoleArn=ROLE)
    arn = sagemaker.start_pipeline_execution(PipelineName=name)["PipelineExecutionArn"]
    return seconds_of_step(aws, arn)


if __name__ == "__main__":
    main()
