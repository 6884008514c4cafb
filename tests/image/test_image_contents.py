"""What is in the image, and what is not."""

import json
import re
import subprocess
import tarfile
import tomllib
from pathlib import Path
from typing import Any

import pytest
from support import ROOT
from support.image.engine import SECRET, Engine

from helpers.image.contents import libraries

MAX_ADDED_MB = 450
KEPT_SECRETS = ("pip.conf", ".netrc", ".pypirc", ".aws/credentials", ".docker/config.json", "id_rsa")
TOOLS = ("cc", "gcc", "g++", "c++", "clang", "ld", "as", "make", "cmake", "ninja", "git")


@pytest.fixture(scope="module")
def inspected(engine: Engine, image: str) -> dict[str, Any]:
    return json.loads(engine("image", "inspect", image))[0]


def shell(engine: Engine, image: str, script: str) -> str:
    done = engine.run(image, "sh", "-c", script, options=("--network", "none"))
    assert done.returncode == 0, done.stderr
    return done.stdout


def python(engine: Engine, image: str, script: str) -> str:
    done = engine.run(image, "python", "-c", script, options=("--network", "none"))
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_sagemaker_is_told_that_it_serves_many_models_on_any_port(inspected: dict[str, Any]) -> None:
    assert inspected["Architecture"] == "amd64"
    config = inspected["Config"]
    for capability in ("multi-models", "accept-bind-to-port"):
        assert config["Labels"][f"com.amazonaws.sagemaker.capabilities.{capability}"] == "true"
    assert not config["Entrypoint"], "SageMaker gives `train` or `serve` as the command"
    assert config["User"] in ("", "root", "0"), "SageMaker's mounts are root's"
    assert config["Healthcheck"]["Test"][0] == "CMD"


def test_its_commands_are_first_on_the_path(engine: Engine, image: str) -> None:
    script = "for name in train process serve python; do command -v $name; done"
    ours = [f"/opt/tabular/bin/{name}" for name in ("train", "process", "serve")]
    assert shell(engine, image, script).split() == [*ours, "/opt/venv/bin/python"]


def test_libraries_have_the_versions_of_constraints(engine: Engine, image: str) -> None:
    names = list(libraries().index)
    names.remove("xgboost")  # on Linux it is xgboost-cpu
    script = f"import importlib.metadata as m, json; print(json.dumps({{n: m.version(n) for n in {names}}}))"
    assert json.loads(python(engine, image, script)) == libraries()["version"].drop("xgboost").to_dict()


def test_everything_is_compiled_and_the_extensions_are_there(engine: Engine, image: str) -> None:
    project = tomllib.loads((ROOT / "container/pyproject.toml").read_text())
    extensions = ", ".join(one["name"] for one in project["tool"]["setuptools"]["ext-modules"])
    script = f"""
import importlib.util, pathlib, {extensions}
for folder in ("/opt/tabular", "/opt/venv"):
    for path in pathlib.Path(folder).rglob("*.py"):
        if "/bin/" not in str(path) and not pathlib.Path(importlib.util.cache_from_source(path)).exists():
            print(path)
"""
    assert python(engine, image, script) == ""


def test_it_says_which_libraries_are_the_bases_and_which_were_added(engine: Engine, image: str) -> None:
    lines = shell(engine, image, "cat /opt/tabular/libraries.txt").splitlines()
    rows = {line.split()[0]: line.split(maxsplit=2)[1:] for line in lines}
    dependencies = tomllib.loads((ROOT / "container/pyproject.toml").read_text())["project"]["dependencies"]
    assert {name.split(";")[0] for name in dependencies} - {"xgboost"} <= set(rows)
    origins = {origin for _, origin in rows.values()}
    assert all(one == "added" or one.endswith("from the base image") for one in origins)
    version, origin = rows["numpy"]
    where = python(engine, image, "import numpy; print(numpy.__file__, numpy.__version__)").split()
    assert where[1] == version
    assert where[0].startswith("/opt/venv/") == (origin != "from the base image")


def test_the_bill_of_materials_names_every_library(engine: Engine, image: str) -> None:
    bill = json.loads(shell(engine, image, "cat /opt/tabular/sbom.json"))
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    listed = {part["name"] for part in bill["components"]}
    script = "import importlib.metadata as m; print(*(d.metadata['Name'] for d in m.distributions()))"
    installed = {re.sub(r"[-_.]+", "-", name).lower() for name in python(engine, image, script).split()}
    assert listed == installed
    assert all(part["purl"] == f"pkg:pypi/{part['name']}@{part['version']}" for part in bill["components"])


def test_what_it_adds_to_its_base_is_small(
    engine: Engine, image: str, base_image: str, figures: dict[str, str]
) -> None:
    sizes = [int(engine("image", "inspect", "--format", "{{.Size}}", name)) for name in (image, base_image)]
    added = (sizes[0] - sizes[1]) / 1e6
    figures["image"] = f"{sizes[0] / 1e6:.0f} MB"
    figures["of which added to the base"] = f"{added:.0f} MB"
    assert added <= MAX_ADDED_MB


def test_no_build_tools_are_left(engine: Engine, image: str, base_image: str) -> None:
    traces = "/build /opt/venv/bin/pip* /var/lib/apt/lists/*_*"
    script = f"for tool in {' '.join(TOOLS)}; do command -v $tool; done; ls -d {traces} 2>/dev/null || true"
    found, already = (set(shell(engine, name, script).split()) for name in (image, base_image))
    assert found <= already


def test_no_settings_of_this_machine_and_no_secrets_are_left(
    engine: Engine, image: str, tmp_path: Path
) -> None:
    """Neither in a file of any layer, also of those that are hidden, nor in the history or the variables."""
    history = engine("history", "--no-trunc", image) + engine("image", "inspect", image)
    assert SECRET not in history
    for word in ("PIP_", "TOKEN", "SECRET", "PASSWORD", "AWS_"):
        assert word not in history.replace("PIP_CONFIG_FILE=/build/pip.conf", "")
    saved = tmp_path / "image.tar"
    engine("save", "--output", str(saved), image)
    assert subprocess.run(["grep", "-qF", SECRET, str(saved)], check=False).returncode == 1
    with tarfile.open(saved) as tar:
        names = [name for layer in layers(tar) for name in layer]
    assert "opt/tabular/launcher/commands.py" in names
    assert not [name for name in names if name.endswith(KEPT_SECRETS)]


def layers(saved: tarfile.TarFile) -> list[list[str]]:
    """The names of the files of each layer."""
    found = []
    for layer in json.load(saved.extractfile("manifest.json"))[0]["Layers"]:
        with tarfile.open(fileobj=saved.extractfile(layer)) as contents:
            found.append(contents.getnames())
    return found
