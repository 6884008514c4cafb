"""`train` and `process`, started as SageMaker starts them, run the code shipped with the job."""

import ast
import io
import json
import os
import tarfile

import pytest
from support import HANGS
from support.container.jobs import give_code, give_hyperparameters, run, start, tarball

REPORT = """
import os, sys
from pathlib import Path
base = Path(os.environ["SAGEMAKER_BASE_DIR"])
(base / "ran.txt").write_text(repr((__name__, sys.argv, str(Path(__file__).relative_to(base)))))
"""
PACKAGES = {"tabular/__init__.py": "", "tabular/jobs/__init__.py": ""}


def message(base):
    return (base / "output/message").read_text()


def failure(base):
    return (base / "output/failure").read_text()


def process(base, code, *arguments):
    give_code(base, tarball({"toy/__init__.py": "", "toy/job.py": code}))
    return run("process", base, "toy.job", *arguments)


def train(aws, base, code, **hyperparameters):
    aws.s3.put_object(Bucket="jobs", Key="toy/source.tar.gz", Body=tarball({"toy.py": code}))
    given = {"sagemaker_program": "toy", "sagemaker_submit_directory": "s3://jobs/toy/source.tar.gz"}
    give_hyperparameters(base, **given | hyperparameters)
    return run("train", base, **aws.variables)


def test_process_runs_the_module_with_its_arguments(base):
    done = process(base, REPORT, "--a", "1", "two words")
    assert (done.returncode, done.stderr) == (0, "")
    name, argv, file = ast.literal_eval((base / "ran.txt").read_text())
    assert (name, argv[1:], file) == ("__main__", ["--a", "1", "two words"], "code/toy/job.py")
    assert not (base / "output").exists()


def test_train_runs_the_module_that_the_hyperparameters_name(aws, base):
    done = train(aws, base, REPORT)
    assert (done.returncode, done.stderr) == (0, "")
    assert "code/toy.py" in (base / "ran.txt").read_text()
    assert not (base / "output").exists()


def test_train_takes_the_quotes_of_the_sdks_version_2(aws, base):
    quoted = {
        "sagemaker_program": '"toy"',
        "sagemaker_submit_directory": '"s3://jobs/toy/source.tar.gz"',
    }
    assert train(aws, base, REPORT, **quoted).returncode == 0


def test_the_package_that_came_with_the_job_runs_and_not_the_installed_one(base):
    give_code(base, tarball({"tabular/jobs/preprocess.py": REPORT, **PACKAGES}))
    assert run("process", base, "tabular.jobs.preprocess").returncode == 0
    assert "code/tabular/jobs/preprocess.py" in (base / "ran.txt").read_text()


def test_what_a_job_prints_reaches_the_log_at_once(aws, base):
    done = train(aws, base, "print('score=0.5;', flush=True)")
    assert done.stdout == "score=0.5;\n"


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("raise SystemExit('The table is empty.')", "The table is empty."),
        ("raise ValueError('no such thing')", "ValueError: no such thing"),
        ("import sys; sys.exit(3)", "The job exited with code 3; its log says why."),
        ("import absent_module", "ModuleNotFoundError: No module named 'absent_module'"),
        ("this is no Python", "SyntaxError: invalid syntax (job.py, line 1)"),
        ("raise MemoryError", "MemoryError: "),
    ],
)
def test_a_failed_processing_job_leaves_its_reason_and_exit_code_1(base, code, reason):
    done = process(base, code)
    assert (done.returncode, message(base)) == (1, reason)
    assert done.stderr.endswith(f"{reason}\n")


def test_a_failed_training_job_leaves_its_reason_and_exit_code_1(aws, base):
    done = train(aws, base, "raise SystemExit('The rarest class has 2 rows.')")
    assert (done.returncode, failure(base)) == (1, "The rarest class has 2 rows.")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("code", ["raise SystemExit", "raise SystemExit(0)", "import sys; sys.exit(None)"])
def test_a_job_that_leaves_without_an_error_has_not_failed(base, code):
    assert process(base, code).returncode == 0
    assert not (base / "output").exists()


def test_a_fault_of_the_program_keeps_its_traceback_in_the_log(base):
    done = process(base, "def inner():\n    raise KeyError('x')\ninner()")
    assert "in inner" in done.stderr
    assert message(base) == "KeyError: 'x'"


def test_a_long_reason_is_cut_to_what_sagemaker_keeps(base):
    process(base, "raise SystemExit('x' * 5000)")
    assert message(base) == "x" * 1024


def test_process_without_a_module_says_what_it_needs(base):
    assert run("process", base).returncode == 1
    assert message(base) == "process needs the name of a module, such as: process tabular.jobs.preprocess"


def test_a_module_that_is_not_in_the_source_is_named(base):
    give_code(base, tarball({"other.py": ""}))
    assert run("process", base, "toy.job").returncode == 1
    assert "toy" in message(base)


def test_a_job_that_names_no_source_runs_what_is_installed(base):
    configuration = base / "config/processingjobconfig.json"
    configuration.parent.mkdir(parents=True)
    configuration.write_text(json.dumps({"ProcessingInputs": []}))
    assert run("process", base, "tabular.jobs.monitor").returncode == 1
    assert message(base).startswith("monitor: the following arguments are required: --pipeline-name")


def test_source_that_is_not_there_fails_the_job(aws, base):
    assert run("process", base, "toy.job").returncode == 1
    assert "source.tar.gz" in message(base)
    done = train(aws, base, "", sagemaker_submit_directory="s3://jobs/absent/source.tar.gz")
    assert done.returncode == 1
    assert "404" in failure(base) or "NoSuchKey" in failure(base)


def test_a_training_job_without_its_program_fails(aws, base):
    give_hyperparameters(base, depth="3")
    assert run("train", base, **aws.variables).returncode == 1
    assert "sagemaker_program" in failure(base)


@pytest.mark.parametrize("folder", ["../..", "{outside}"])
def test_source_cannot_lead_out_of_its_folder(base, folder):
    name = f"{folder.format(outside=base.parent)}/outside.py"
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        entry = tarfile.TarInfo(name)
        entry.size = 1
        tar.addfile(entry, io.BytesIO(b"x"))
    give_code(base, packed.getvalue())
    assert run("process", base, "outside").returncode == 1
    assert not (base.parent / "outside.py").exists()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
def test_source_holds_files_and_folders_alone(base, kind):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        entry = tarfile.TarInfo("toy.py")
        entry.type, entry.linkname = kind, "/etc/passwd"
        tar.addfile(entry)
    give_code(base, packed.getvalue())
    assert run("process", base, "toy").returncode == 1
    refusal = "it may contain only files and folders within its own folder."
    assert message(base) == f"source.tar.gz has 'toy.py'; {refusal}"


def test_a_job_ends_at_once_when_it_is_told_to_also_within_a_long_call(base):
    # The call is one instruction of Python: a signal's handler would run after it.
    code = (
        "import ctypes\nprint('began', flush=True)\nctypes.CDLL(None).pause()\nctypes.CDLL(None).sleep(300)"
    )
    give_code(base, tarball({"toy/__init__.py": "", "toy/job.py": code}))
    job = start("process", base, "toy.job")
    assert job.stdout.readline() == "began\n"
    job.terminate()
    _, said = job.communicate(timeout=HANGS)
    assert job.returncode == 143
    assert message(base) == "The job was told to stop (SIGTERM)."
    assert said.endswith("The job was told to stop (SIGTERM).\n")


def test_another_signal_that_a_job_handles_does_not_end_it(base):
    code = (
        "import os, signal, time\n"
        "signal.signal(signal.SIGUSR1, lambda *_: print('heard', flush=True))\n"
        "os.kill(os.getpid(), signal.SIGUSR1)\n"
        "time.sleep(0.2)\n"
    )
    done = process(base, code)
    assert (done.returncode, done.stdout) == (0, "heard\n")


def test_a_job_that_is_told_aws_region_alone_finds_its_region(base, monkeypatch):
    give_code(base, tarball({"toy.py": "import boto3\nprint(boto3.client('sagemaker').meta.region_name)"}))
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    done = run("process", base, "toy", AWS_REGION="eu-west-3", AWS_DEFAULT_REGION=None)
    assert (done.returncode, done.stdout) == (0, "eu-west-3\n"), done.stderr
