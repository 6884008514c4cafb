"""The functions do not ship boto3: the Lambda runtime's older version has everything they need."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support import ROOT
from support.lambdas import calls

# Of the runtime python3.13; it only ever gets newer.
RUNTIME_BOTO3 = "1.40.4"
HERE = Path(__file__).parent


@pytest.mark.slow
def test_every_call_of_the_functions_works_with_the_boto3_of_the_lambda_runtime(tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    pip.append("--no-compile")  # most of its modules are never imported
    older = [f"boto3=={RUNTIME_BOTO3}", f"botocore=={RUNTIME_BOTO3}", "s3transfer==0.13.1"]
    installed = subprocess.run([*pip, "--target", str(tmp_path), *older], capture_output=True, text=True)
    if installed.returncode:
        pytest.skip(f"boto3 {RUNTIME_BOTO3} cannot be had here: {installed.stderr.strip()[-200:]}")
    print_version = ["-c", "import boto3, botocore; print(boto3.__version__, botocore.__version__)"]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    seen = subprocess.run([sys.executable, *print_version], env=environment, capture_output=True, text=True)
    assert seen.stdout.split() == [RUNTIME_BOTO3, RUNTIME_BOTO3]
    # Leaves out the conftest of all tests and plugins, which import more than these tests need.
    alone = ["--confcutdir", str(HERE), "-p", "no:cacheprovider", "-p", "no:xdist"]
    tests = ["-m", "pytest", "-q", *alone, "-m", "runtime", str(HERE)]
    environment["FUNCTIONS_ASKED"] = str(tmp_path / "asked.txt")
    done = subprocess.run([sys.executable, *tests], env=environment, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-4000:]
    assert (tmp_path / "asked.txt").read_text() == calls.FILE.read_text(), "the marked tests ask all of it"
