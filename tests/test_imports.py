"""A folder is where its code runs: which part may import which."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PARTS = ("helpers", "local_aws", "lambdas", "tabular", "launcher")
SOURCES = {
    "helpers": ROOT / "src/helpers",
    "local_aws": ROOT / "src/local_aws",
    "lambdas": ROOT / "src/lambdas",
    "container": ROOT / "container",
}
ALLOWED = {
    "helpers": {"helpers", "lambdas", "tabular"},
    "local_aws": {"local_aws", "lambdas"},
    "lambdas": {"lambdas"},
    "container": {"tabular"},
}
STANDS_ALONE = {"lambdas": {"boto3", "botocore"}}  # the Lambda runtime has these and the standard library


def imported(source: str) -> Iterator[str]:
    """The full name of every module that a source imports, wherever it does."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def files() -> list[tuple[str, Path]]:
    return [(part, path) for part, folder in SOURCES.items() for path in sorted(folder.rglob("*.py"))]


@pytest.mark.parametrize(("part", "path"), files(), ids=lambda value: getattr(value, "name", value))
def test_a_part_imports_only_what_runs_where_it_does(part: str, path: Path) -> None:
    ours = {name for name in imported(path.read_text()) if name.split(".")[0] in PARTS}
    foreign = {name for name in ours if name.split(".")[0] not in ALLOWED[part]}
    if path == SOURCES["helpers"] / "session.py":
        foreign -= {"local_aws"}
    assert not foreign


def test_helpers_read_of_tabular_only_its_tables_of_data() -> None:
    modules = ("algorithms", "custom", "datasets", "options", "schema", "tables")
    allowed = tuple(f"tabular.{name}." for name in modules)
    for path in sorted(SOURCES["helpers"].rglob("*.py")):
        used = [name for name in imported(path.read_text()) if name.startswith("tabular")]
        assert all(name.startswith(allowed) for name in used), path.name


def test_only_the_package_that_compiles_the_definition_imports_the_sdk() -> None:
    users = {
        path.parent
        for _, path in files()
        if any(n.startswith("sagemaker") for n in imported(path.read_text()))
    }
    assert users == {SOURCES["helpers"] / "pipeline"}


def test_local_aws_uses_of_the_lambdas_nothing_but_their_contract() -> None:
    for path in sorted(SOURCES["local_aws"].rglob("*.py")):
        used = [name for name in imported(path.read_text()) if name.startswith("lambdas")]
        assert all(name.startswith("lambdas.contract") for name in used), path.name


@pytest.mark.parametrize("path", sorted(SOURCES["lambdas"].rglob("*.py")), ids=lambda path: path.name)
def test_a_function_needs_nothing_that_the_lambda_runtime_does_not_have(path: Path) -> None:
    import sys

    roots = {name.split(".")[0] for name in imported(path.read_text())}
    assert roots <= {*sys.stdlib_module_names, "lambdas", *STANDS_ALONE["lambdas"]}


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_notebook_imports_nothing_but_helpers(path: Path) -> None:
    cells = json.loads(path.read_text())["cells"]
    source = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    assert {name.split(".")[0] for name in imported(source)} == {"helpers"}
