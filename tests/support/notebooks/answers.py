"""The answers to what the notebooks ask a reader to try, as cells that a run can execute where they stand."""

import copy
import re
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from support import ROOT

__all__ = ["NOTEBOOKS", "TAG", "answered", "answers", "question", "with_answers"]

TAG = "answer"
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
QUESTION = re.compile(r"\*\*Try it\.\*\* (.+?)(?=\n\n|\Z)", re.DOTALL)
ANSWER = re.compile(r"<details><summary>Answer</summary>\n\n(.+?)\n\n</details>", re.DOTALL)
CODE = re.compile(r"^```python\n(.+?)^```$", re.DOTALL | re.MULTILINE)


def question(cell: NotebookNode) -> str:
    """What a cell asks its reader to try; empty if it asks nothing."""
    found = QUESTION.search(cell["source"]) if cell["cell_type"] == "markdown" else None
    return found[1] if found else ""


def answers(cell: NotebookNode) -> list[str]:
    """The Python code of its folded answer."""
    return [code for answer in ANSWER.findall(cell["source"]) for code in CODE.findall(answer)]


def with_answers(folder: Path) -> Path:
    """Write copies of the notebooks in which each answer is executed right after its question."""
    folder.mkdir(parents=True)
    for path in NOTEBOOKS:
        notebook = nbformat.read(path, as_version=4)
        nbformat.write(answered(notebook), folder / path.name)
    return folder


def answered(notebook: NotebookNode) -> NotebookNode:
    """A copy of a notebook with a cell for each answer."""
    whole = copy.deepcopy(notebook)
    whole.cells = []
    for cell in notebook.cells:
        whole.cells.append(cell)
        for code in answers(cell) if question(cell) else []:
            whole.cells.append(nbformat.v4.new_code_cell(code, metadata={"tags": [TAG]}))
    return whole
