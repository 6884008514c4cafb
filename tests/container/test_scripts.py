"""`train` runs scripts that know nothing of the project, as SageMaker's framework containers run them."""

import json
import os
import zipfile

import pytest
from support.container.jobs import give_hyperparameters, run, tarball

TELL = """
import json, os, sys
from pathlib import Path
seen = {name: value for name, value in os.environ.items() if name.startswith("SM_")}
Path(os.environ["SM_MODEL_DIR"], "told.json").write_text(json.dumps([sys.argv, os.getcwd(), seen]))
"""
GIVEN = {  # as version 2 of the SDK writes them, and as version 3 does
    "max-depth": "3",
    "objective": '"binary"',
    "metric": "auc",
    "C": "0.5",
    "_tuning_objective_metric": "auc",
    "sagemaker_container_log_level": "20",
}


IN_S3 = "s3://jobs/scripts/source.tar.gz"
IN_A_FOLDER = "/opt/ml/input/data/code/sourcedir.tar.gz"  # of the job, which then makes no client


@pytest.fixture
def train(base):
    def start(program, files, folders=(), **hyperparameters):
        source = base / "input/data/code/sourcedir.tar.gz"
        source.parent.mkdir(parents=True, exist_ok=True)
        source.write_bytes(tarball(files, folders))
        return begin(base, program, IN_A_FOLDER, hyperparameters)

    return start


@pytest.fixture
def train_from_s3(aws, base):
    def start(program, files, folders=(), directory=IN_S3, **hyperparameters):
        aws.s3.put_object(Bucket="jobs", Key="scripts/source.tar.gz", Body=tarball(files, folders))
        return begin(base, program, directory, hyperparameters, **aws.variables)

    return start


def begin(base, program, directory, hyperparameters, **variables):
    (base / "model").mkdir(exist_ok=True)
    code = {"sagemaker_program": program, "sagemaker_submit_directory": directory}
    give_hyperparameters(base, **code | hyperparameters)
    config = base / "input/config"
    (config / "inputdataconfig.json").write_text(json.dumps({"train": {"TrainingInputMode": "File"}}))
    (config / "resourceconfig.json").write_text(json.dumps({"current_host": "algo-1", "hosts": ["algo-1"]}))
    return run("train", base, **variables)


def told(base):
    return json.loads((base / "model/told.json").read_text())


def failure(base):
    return (base / "output/failure").read_text()


@pytest.mark.parametrize(
    "program", ["fit.py", "estimators/Forest.py", "a/b/c/fit.py", '"estimators/Quoted.py"']
)
def test_a_script_runs_where_its_source_was_unpacked(train, base, program):
    path = program.strip('"')
    folders = [".", *(str(folder) for folder in list(os.path.split(path))[:1] if folder)]
    done = train(program, {path: TELL}, folders, **GIVEN)
    assert (done.returncode, done.stderr) == (0, "")
    argv, folder, seen = told(base)
    assert argv == [path, *["-C", "0.5", "--max-depth", "3", "--metric", "auc", "--objective", "binary"]]
    assert folder == str(base / "code")
    assert seen["SM_HP_MAX_DEPTH"] == "3"
    assert json.loads(seen["SM_HPS"]) == {"C": 0.5, "max-depth": 3, "metric": "auc", "objective": "binary"}
    assert (seen["SM_CHANNEL_TRAIN"], seen["SM_CHANNELS"]) == (str(base / "input/data/train"), '["train"]')
    assert (seen["SM_MODEL_DIR"], seen["SM_OUTPUT_DATA_DIR"]) == (
        str(base / "model"),
        str(base / "output/data"),
    )
    assert (seen["SM_USER_ENTRY_POINT"], seen["SM_CURRENT_HOST"]) == (path, "algo-1")


def test_a_script_imports_what_is_beside_it_and_what_is_at_the_top(train_from_s3, base):
    files = {
        "estimators/fit.py": f"import near, far.away\n{TELL}",
        "estimators/near.py": "",
        "far/away.py": "",
    }
    assert train_from_s3("estimators/fit.py", files).returncode == 0
    assert told(base)[0] == ["estimators/fit.py"]


@pytest.mark.parametrize("first", ["#!/bin/sh\n", ""])
def test_a_shell_script_runs_with_the_same_arguments(train, base, first):
    script = first + 'printf "%s|" "$@" "$SM_HP_NAME" > "$SM_MODEL_DIR/out"\n. ./common/more.sh\n'
    files = {"bin/train.sh": script, "common/more.sh": 'echo more >> "$SM_MODEL_DIR/out"\n'}
    done = train("bin/train.sh", files, ["bin", "common"], name="two words; $HOME")
    assert done.returncode == 0, done.stderr
    assert (base / "model/out").read_text() == "--name|two words; $HOME|two words; $HOME|more\n"


def test_a_failed_shell_script_fails_the_job_with_its_own_reason_if_it_gives_one(train, base):
    assert train("train.sh", {"train.sh": "exit 3"}).returncode == 1
    assert failure(base) == "The job exited with code 3; its log says why."
    told = 'mkdir -p "$SM_OUTPUT_DIR"; echo "no rows" > "$SM_OUTPUT_DIR/failure"; exit 3'
    assert train("train.sh", {"train.sh": told}).returncode == 1
    assert failure(base) == "no rows\n"


def test_a_script_that_is_not_in_the_source_is_named_with_those_that_are(train_from_s3, base):
    assert train_from_s3("fit.py", {"estimators/fit.py": "", "readme.md": ""}).returncode == 1
    assert failure(base) == f"sagemaker_program is 'fit.py', but {IN_S3} has only estimators/fit.py."


def test_the_source_may_be_in_a_folder_of_the_job(train, base):
    assert train("fit.py", {"fit.py": TELL}).returncode == 0
    assert told(base)[0] == ["fit.py"]


def test_a_submit_directory_that_is_no_archive_is_refused(train_from_s3, base):
    assert train_from_s3("fit.py", {"fit.py": ""}, directory="s3://jobs/scripts/").returncode == 1
    expected = "sagemaker_submit_directory is 's3://jobs/scripts/'; it must name one .tar.gz file."
    assert failure(base) == expected


def wheel(folder, version):
    """Write a wheel of a package that knows its version."""
    folder.mkdir(exist_ok=True)
    about = f"toyprice-{version}.dist-info"
    with zipfile.ZipFile(folder / f"toyprice-{version}-py3-none-any.whl", "w") as archive:
        archive.writestr("toyprice.py", f"VERSION = {version!r}\n")
        archive.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: toyprice\nVersion: {version}\n")
        archive.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{about}/RECORD", "")


def test_required_packages_are_installed_for_this_job_alone(train, base, tmp_path):
    wheel(tmp_path / "wheels", "1.2")
    required = f"--no-index\n--find-links {tmp_path / 'wheels'}\nnumpy\ntoyprice>=1\n"
    script = f"import numpy, toyprice\n{TELL}\nprint(toyprice.VERSION, toyprice.__file__)"
    done = train("fit.py", {"fit.py": script, "requirements.txt": required}, depth="3")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == f"1.2 {base / 'packages/toyprice.py'}"
    assert sorted(path.name for path in (base / "packages").iterdir() if path.suffix == ".dist-info") == [
        "toyprice-1.2.dist-info"
    ]
    assert told(base)[0] == ["fit.py", "--depth", "3"]


def test_what_is_there_already_needs_no_index(train, base):
    files = {"fit.py": TELL, "requirements.txt": "--no-index\nnumpy\nscikit-learn>=1\n"}
    assert train("fit.py", files).returncode == 0
    assert not (base / "packages").exists()


def test_a_requirement_that_cannot_be_installed_fails_the_job_in_one_sentence(train, base):
    files = {"fit.py": TELL, "requirements.txt": "--no-index\nno-such-package-here\n"}
    done = train("fit.py", files)
    assert done.returncode == 1
    assert failure(base).startswith("pip cannot install what requirements.txt names")
    assert "no-such-package-here" in done.stderr
    assert "Traceback" not in done.stderr
