"""The image's `train` and `process` commands: unpack the source shipped with a job and run it."""

import json
import os
import runpy
import sys
from pathlib import Path

from launcher.ending import reporting_to
from launcher.scripts import plain, run_script, set_variables
from launcher.source import SOURCE, base_dir, fetch, prepare, set_region

__all__ = ["process", "train"]

SCRIPTS = (".py", ".sh")


def train() -> None:
    """Run a training job: the hyperparameters name the program and where its source is.

    The program is a script (a path ending in .py or .sh) or a module, such as `tabular.jobs.train`.

    Follows https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html
    """
    base = base_dir()
    with reporting_to(base / "output" / "failure"):
        hyperparameters = json.loads((base / "input/config/hyperparameters.json").read_text())
        program, source = (
            _named(hyperparameters, name) for name in ("sagemaker_program", "sagemaker_submit_directory")
        )
        archive = base / "code" / SOURCE
        archive.parent.mkdir(parents=True, exist_ok=True)
        fetch(source, archive)
        if not program.endswith(SCRIPTS):
            _run(program, archive, arguments=[])
            return
        code = prepare(archive)
        if not (code / program).is_file():
            scripts = sorted(
                str(path.relative_to(code)) for path in code.rglob("*") if path.suffix in SCRIPTS
            )
            known = f"only {', '.join(scripts[:20])}" if scripts else "no scripts"
            raise SystemExit(f"sagemaker_program is {program!r}, but {source} has {known}.")
        set_variables(base, program, hyperparameters)
        run_script(code, program, hyperparameters)


def process() -> None:
    """Run a processing job: `process MODULE [ARGUMENTS]`, with the source among the job's inputs.

    A job whose own description names no input `code` runs what is installed in the image.

    Follows https://docs.aws.amazon.com/sagemaker/latest/dg/build-your-own-processing-container.html
    """
    base = base_dir()
    with reporting_to(base / "output" / "message"):
        if len(sys.argv) < 2:
            raise SystemExit("process needs the name of a module, such as: process tabular.jobs.preprocess")
        _run(sys.argv[1], base / "processing/input/code" / SOURCE, arguments=sys.argv[2:])


def _run(module: str, archive: Path, arguments: list[str]) -> None:
    if _ships_source():
        prepare(archive)
    else:
        set_region()
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _ships_source() -> bool:
    """Whether a job comes with its source; a processing job's own description lists its inputs."""
    file = base_dir() / "config/processingjobconfig.json"
    if not file.is_file():
        return True
    inputs = json.loads(file.read_text()).get("ProcessingInputs") or []
    return any(each["InputName"] == "code" for each in inputs)


def _named(hyperparameters: dict[str, str], name: str) -> str:
    """A hyperparameter that SageMaker's SDKs set, or the variable that may take its place."""
    value = hyperparameters.get(name) or os.environ.get(name.upper())
    if not value:
        raise SystemExit(
            f"The hyperparameter {name} is missing; a training job needs it to find its program."
        )
    return str(plain(value))
