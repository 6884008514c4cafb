"""All five notebooks in a real JupyterLab and a real browser, as somebody works with them for the first time.

Run All in order with the defaults, with an interrupt in the longest wait; then the decision; then all again.
"""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from support import ROOT
from support.notebooks.lab import Lab, Notebook

if TYPE_CHECKING:
    from playwright.sync_api import Page

NAMES = [path.stem for path in sorted((ROOT / "notebooks").glob("*.ipynb"))]
SEEN = ROOT / "runs/browser"
WAIT = "runs.watch("
DECISION = ('APPROVE = "none"', 'APPROVE = "approve"')
# The rounds, and the notebooks that are run in each.
ROUNDS = {"defaults": NAMES, "approved": NAMES[3:], "again": NAMES}
EMPTY = re.compile(r"<tbody>\s*</tbody>|Empty DataFrame|This table has no rows")

Cells = list[dict[str, Any]]


def text(output: dict[str, Any]) -> str:
    """All that an output says, in whatever form."""
    forms = [output.get("text", ""), *output.get("data", {}).values()]
    return "\n".join("".join(form) for form in forms if not isinstance(form, dict))


def said(cells: Cells) -> str:
    return "\n".join(text(output) for cell in cells for output in cell["outputs"])


def errors(cells: Cells) -> list[str]:
    """What went wrong, by the first line of the cell."""
    return [
        f"{''.join(cell['source']).splitlines()[0]}: {output['ename']}: {output['evalue']}"
        for cell in cells
        for output in cell["outputs"]
        if output["output_type"] == "error"
    ]


def interrupt(notebook: Notebook) -> Cells:
    """Run all, and interrupt the wait once it shows how far it is; the cells as they are then."""
    notebook.choose("Run", "Run All Cells")
    notebook.wait_for_output(WAIT)
    notebook.choose("Kernel", "Interrupt Kernel")
    return notebook.finish()


@pytest.fixture(scope="module")
def rounds(opened: Lab, page: "Page") -> Iterator[dict[tuple[str, str], Cells]]:
    """The code cells of every notebook after every round; `interrupted` is a round of its own."""
    SEEN.mkdir(parents=True, exist_ok=True)
    seen: dict[tuple[str, str], Cells] = {}
    for name, notebooks in ROUNDS.items():
        for stem in notebooks:
            notebook = Notebook.open(page, opened, opened.project / f"notebooks/{stem}.ipynb")
            if (name, stem[:2]) == ("defaults", "03"):
                seen["interrupted", stem] = interrupt(notebook)
                notebook.screenshot(SEEN / f"interrupted-{stem}.png")
                notebook.select(WAIT)
                notebook.choose("Run", "Run Selected Cell and All Below")
                seen[name, stem] = notebook.finish()
            else:
                if (name, stem[:2]) == ("approved", "04"):
                    notebook.write(*DECISION)
                seen[name, stem] = notebook.run_all()
            notebook.screenshot(SEEN / f"{name}-{stem}.png")
            notebook.close()
    return seen


every_visit = pytest.mark.parametrize(
    ("name", "stem"), [(name, stem) for name, notebooks in ROUNDS.items() for stem in notebooks]
)


def test_it_opens_at_the_notebooks_of_the_project(opened: Lab, page: "Page") -> None:
    page.goto(opened.home)
    page.wait_for_selector(".jp-DirListing-item")
    names = page.locator(".jp-DirListing-itemName").all_inner_texts()
    assert [name.strip() for name in names] == [f"{name}.ipynb" for name in NAMES]


def test_links_lead_to_other_notebooks_and_out_of_their_folder(opened: Lab, page: "Page") -> None:
    Notebook.open(page, opened, opened.project / f"notebooks/{NAMES[-1]}.ipynb").click("the README")
    page.wait_for_function("() => window.jupyterapp.shell.currentWidget.context.path === 'README.md'")
    page.locator(".jp-MarkdownViewer h1", has_text="Many models, one endpoint").wait_for()
    Notebook.open(page, opened, opened.project / f"notebooks/{NAMES[0]}.ipynb").click(
        "2. Define the pipeline"
    )
    page.wait_for_function(
        f"() => window.jupyterapp.shell.currentWidget.context.path === 'notebooks/{NAMES[1]}.ipynb'"
    )


@every_visit
def test_no_cell_ends_with_an_error(rounds: dict[tuple[str, str], Cells], name: str, stem: str) -> None:
    cells = rounds[name, stem]
    assert errors(cells) == []
    assert all(cell["execution_count"] for cell in cells)


@every_visit
def test_no_table_is_empty_without_a_sentence(
    rounds: dict[tuple[str, str], Cells], name: str, stem: str
) -> None:
    empty = [
        "".join(cell["source"])
        for cell in rounds[name, stem]
        for output in cell["outputs"]
        if EMPTY.search(text(output))
    ]
    assert empty == []


@every_visit
def test_every_picture_says_what_is_on_it(rounds: dict[tuple[str, str], Cells], name: str, stem: str) -> None:
    """JupyterLab reads no alternative text from the metadata of a PNG."""
    pictures = [
        output["data"]
        for cell in rounds[name, stem]
        for output in cell["outputs"]
        if "image/png" in output.get("data", {})
    ]
    assert pictures
    assert not [data for data in pictures if not re.match(r'<img alt="\w', "".join(data["text/html"]))]


def test_an_interrupt_of_the_wait_is_a_sentence_that_says_how_to_go_on(
    rounds: dict[tuple[str, str], Cells],
) -> None:
    cells = rounds["interrupted", NAMES[2]]
    assert len(errors(cells)) == 1
    (shown,) = [
        "\n".join(output["traceback"])
        for cell in cells
        for output in cell["outputs"]
        if output["output_type"] == "error"
    ]
    assert "To watch them again, run 03 again" in shown
    assert re.findall(r"Traceback|File |--->", shown) == []


def test_what_is_approved_is_served_from_then_on(rounds: dict[tuple[str, str], Cells]) -> None:
    before, after = (said(rounds[name, NAMES[4]]) for name in ("defaults", "approved"))
    assert ("x-model-version" in before, "breast-cancer" in after) == (False, True)
