"""What the functions may import, and that importing them does nothing."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import lambdas

SOURCES = sorted(Path(lambdas.__file__).parent.glob("*.py"))


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_only_the_standard_library_and_boto3_are_imported(source):
    roots = set()
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            roots |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            roots.add(node.module.split(".")[0])
    assert roots <= {*sys.stdlib_module_names, "boto3", "botocore", "lambdas"}


def test_importing_the_handlers_needs_no_environment_and_makes_no_client():
    code = "import lambdas.deployer, lambdas.invoker, boto3; assert boto3.DEFAULT_SESSION is None"
    subprocess.run([sys.executable, "-I", "-c", code], env={}, check=True)
