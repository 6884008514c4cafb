"""The documentation leads somewhere: each link, each page that a file names, and no folder with too many.

What it says to type can be typed, and something executes it.
"""

import importlib
import json
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from browser.pictures import IMAGES, PLOTS, plot
from support import ROOT, typed

from commands.__main__ import many_models

ROOMS = ("docs", "src", "container", "terraform", "parameters", "notebooks", ".github")
TEXTS = {".md", ".py", ".ipynb", ".tf", ".tfvars", ".yaml", ".yml", ".json", ".sh", ".html"}
FILES = sorted(
    path
    for path in [*ROOT.glob("*.*"), *(path for room in ROOMS for path in (ROOT / room).rglob("*.*"))]
    if path.suffix in TEXTS and path.is_file() and not {".terraform", "build"} & set(path.parts)
)
PAGES = [path for path in FILES if path.suffix in (".md", ".ipynb")]


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def tree() -> dict[str, set[str]]:
    """The folders of "Where things are", each with those that are listed inside it."""
    (block,) = re.findall(r"(?s)## Where things are\n.*?```\n(.*?)```", (ROOT / "README.md").read_text())
    return {
        folder: {name for line in inside.splitlines() for name in line.split()}
        for folder, inside in re.findall(r"(?m)^(\S+).*\n((?: +.*\n)*)", block)
    }


@cache
def prose(page: Path) -> str:
    """What a page says outside of its blocks of code."""
    text = page.read_text()
    if page.suffix == ".ipynb":
        cells = json.loads(text)["cells"]
        text = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    return re.sub(r"(?ms)^```.*?^```$", "", text)


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub makes of a page's headings."""
    headings = re.findall(r"(?m)^#+ (.+)$", prose(page))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(page: Path) -> Iterator[tuple[Path, str]]:
    """The files and the anchors to which a page links within the project."""
    for target in re.findall(r"(?:\]\(|<img src=\")([^)\s\"]+)", prose(page)):
        if not re.match(r"\w+:", target):
            path, _, anchor = target.partition("#")
            yield (page.parent / path if path else page), anchor


@pytest.mark.parametrize("folder", tree())
def test_where_things_are_names_every_room(folder: str) -> None:
    rooms = {f"{path.parent.name}/" for path in (ROOT / folder).glob("*/__init__.py")}
    assert (ROOT / folder).is_dir()
    assert tree()[folder] == (rooms if folder.startswith(("src/", "container/")) else set())


def test_where_things_are_names_what_stands_at_the_top() -> None:
    tops = {path.relative_to(ROOT).parts[0] for path in FILES if path.parent != ROOT} - {".github"}
    assert {folder.split("/")[0] for folder in tree()} == {*tops, "tests"}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_each_link_leads_to_a_file_and_to_a_heading_in_it(page: Path) -> None:
    for path, anchor in links(page):
        assert path.exists(), path
        assert not anchor or anchor in anchors(path), f"{path}#{anchor}"


def test_each_page_of_docs_that_a_file_names_is_there() -> None:
    named = [
        (name(path), page.rstrip("."))
        for path in FILES
        for page in re.findall(r"(?<![\w/.-])docs/[\w./-]+", path.read_text())
    ]
    assert len(named) > 50
    assert [(file, page) for file, page in named if not (ROOT / page).exists()] == []


def test_no_folder_of_the_documentation_has_more_entries_than_one_can_take_in() -> None:
    folders = [ROOT / "docs", *(path for path in (ROOT / "docs").rglob("*") if path.is_dir())]
    sizes = {name(folder): len(list(folder.iterdir())) for folder in folders}
    assert {folder: size for folder, size in sizes.items() if size > 10} == {}


def test_the_pictures_in_the_readme_are_small_and_their_plots_are_stored() -> None:
    """`make pictures` writes them."""
    shown = set(re.findall(r"docs/images/([\w.]+)", (ROOT / "README.md").read_text()))
    assert shown == {path.name for path in IMAGES.iterdir()} == {f"{name}.webp" for name in [*PLOTS, "run"]}
    assert max(path.stat().st_size for path in IMAGES.iterdir()) < 150_000
    assert min(plot(*where).width for where in PLOTS.values()) > 500


# What it says to type


def printed(target: str) -> str:
    """The commands of a target of make, without what it installs before."""
    command = ["make", "--just-print", "--old-file=install-test", target]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


TYPED = {command: page for page in typed.PAGES for command in typed.commands(page)}
MADE = sorted({command.split()[1] for command in TYPED if command.startswith("make ")})


@pytest.mark.parametrize("command", sorted(TYPED), ids=lambda command: command[:60])
def test_a_test_or_ci_executes_each_command_or_its_page_is_about_aws(command: str) -> None:
    by = typed.EXECUTED.get(typed.executed(command))
    assert by, "nothing executes it; name what does in tests/support/typed.py"
    if by == typed.AWS:
        assert re.search(r"AWS|Terraform", TYPED[command].read_text())
    elif by != typed.BY_HAND:
        path, _, function = by.partition("::")
        assert f"def {function}" in (ROOT / path).read_text() if function else (ROOT / path).exists()
        if path == ".ci/run":
            targets = {
                "lint",
                "test-quick",
                *(ROOT / path).read_text().split(),
            }  # the two are parts of `test`
            assert command.split()[1] in targets


def test_nothing_is_said_about_commands_that_no_page_has() -> None:
    assert set(typed.EXECUTED) - {typed.executed(command) for command in TYPED} == set()


@pytest.mark.parametrize("command", sorted(found for found in TYPED if found.startswith("many-models ")))
def test_each_command_line_has_the_commands_and_options_that_it_names(command: str) -> None:
    name, *words = command.removeprefix("many-models ").split()
    if name in ("--help", "|"):
        return
    options = {text for parameter in many_models.commands[name].params for text in parameter.opts}
    assert {word.strip("[]") for word in words if word.strip("[").startswith("-")} <= options


def test_each_target_is_in_the_list_of_make() -> None:
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert set(MADE) - {line.split()[0] for line in listed.splitlines()} == set()


def test_make_format_fixes_what_make_lint_checks() -> None:
    fixed, checked = (printed(target) for target in ("format", "lint"))
    assert "ruff check --fix" in fixed and "ruff format" in fixed
    assert "ruff check" in checked and "ruff format --check" in checked


@pytest.mark.parametrize("target", [target for target in MADE if target.startswith("bench")])
def test_each_benchmark_can_be_started(target: str) -> None:
    """As far as its imports: it runs for minutes or hours."""
    modules = re.findall(r"-m (bench(?:\.\w+)+)", printed(target))
    assert modules
    for module in modules:
        package = hasattr(importlib.import_module(module), "__path__")
        assert callable(importlib.import_module(f"{module}.__main__" if package else module).main)
