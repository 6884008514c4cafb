"""The documentation leads somewhere: each link, each page that a file names, and no folder with too many."""

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from support import ROOT

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
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if not re.match(r"\w+:", target):
            path, _, anchor = target.partition("#")
            yield (page.parent / path if path else page), anchor


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
