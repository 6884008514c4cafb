"""A folder is where its code runs: what import-linter (pyproject.toml, `make lint`) cannot say of it."""

import ast
import importlib.util
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import ROOT, workers
from tabular.searching.running import cores
from tabular.spec import options

from commands.notebooks import kernels
from lambdas import retrainer
from local_aws.compute import workers as processes

_SHARED = re.search(
    r"shared_with_the_server = [^[]*\[([^]]*)\]", (ROOT / "terraform/functions.tf").read_text()
)[1]
# What the functions' zip contains, by its path there.
FUNCTIONS = {
    **{
        str(path.relative_to(ROOT / "src")): path
        for room in ("contract", "lambdas")
        for path in sorted((ROOT / "src" / room).rglob("*.py"))
    },
    **{
        f"tabular/{name}.py": ROOT / f"container/tabular/{name}.py" for name in re.findall(r"[\w/]+", _SHARED)
    },
}
RUNTIME = {*sys.stdlib_module_names, "boto3", "botocore", "urllib3"}  # what the Lambda runtime has

MOST = 11  # entries of a folder
MOST_ROOMS = 13  # of helpers, which has a room for each thing that notebooks handle


def imported(source: str) -> Iterator[str]:
    """The full name of every module that a source imports, wherever it does."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_needs_nothing_that_the_lambda_runtime_does_not_have(name: str) -> None:
    ours = {path.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for path in FUNCTIONS}
    for one in imported(FUNCTIONS[name].read_text()):
        root, module = one.split(".")[0], one.rpartition(".")[0]
        assert root in RUNTIME or one in ours or module in ours, f"{one} is not in the functions' zip"


@pytest.mark.slow
def test_importing_the_handlers_needs_no_environment_and_makes_no_client() -> None:
    code = "import lambdas.deployer.handler, lambdas.invoker.handler, lambdas.retrainer, boto3\n"
    code += "assert boto3.DEFAULT_SESSION is None"
    subprocess.run([sys.executable, "-I", "-c", code], env={}, check=True)


def test_what_rooms_share_that_cannot_import_each_other_has_the_same_name() -> None:
    assert retrainer.OPTIONS_FILE == options.OPTIONS_FILE
    assert processes.CORES_FILE == cores.CORES_FILE


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_notebook_imports_nothing_but_helpers(path: Path) -> None:
    cells = json.loads(path.read_text())["cells"]
    source = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    assert {name.split(".")[0] for name in imported(source)} == {"helpers"}


def own_entries(folder: Path) -> list[str]:
    """The modules, C files and folders of a package."""
    entries = [path for path in folder.iterdir() if path.suffix in (".py", ".c", ".h") or path.is_dir()]
    return sorted(path.name for path in entries if path.name not in ("__init__.py", "__pycache__"))


@pytest.mark.parametrize("room", ["container/tabular", "src"])
def test_no_folder_has_more_entries_than_one_can_take_in(room: str) -> None:
    for folder in [path for path in (ROOT / room).rglob("*") if (path / "__init__.py").is_file()]:
        most = MOST_ROOMS if folder == ROOT / "src/helpers" else MOST
        assert len(own_entries(folder)) <= most, f"{folder.relative_to(ROOT)}: {own_entries(folder)}"


@pytest.mark.parametrize("folder", ["", "jobs"])
def test_the_folders_of_step_types_have_room_for_another(folder: str) -> None:
    """CONTRIBUTING.md says to add a file there."""
    assert len(own_entries(ROOT / "src/local_aws/services/pipelines/steps" / folder)) < MOST


@pytest.mark.parametrize("room", ["container/tabular", "src"])
def test_the_map_of_a_package_names_all_that_is_in_it(room: str) -> None:
    for file in (ROOT / room).rglob("__init__.py"):
        modules = {path.stem for path in file.parent.glob("*.py") if not path.stem.startswith("__")}
        rooms = {path.parent.name for path in file.parent.glob("*/__init__.py")}
        words = set(re.findall(r"\w+", ast.get_docstring(ast.parse(file.read_text())) or ""))
        assert not (modules | rooms) - words, f"{file.relative_to(ROOT)} does not name all of its modules"


@pytest.mark.parametrize("name", kernels.PRELOADED)
def test_what_a_kernel_has_imported_beforehand_is_there(name: str) -> None:
    assert importlib.util.find_spec(name), "nobody would notice: kernels would only start more slowly"


@pytest.mark.parametrize("group", workers.LONGEST)
def test_what_the_processes_of_the_tests_begin_with_is_there(group: str) -> None:
    assert group in workers.GROUPS.values() or (ROOT / group).is_file()
