"""An executed notebook as a page, to be read without Jupyter."""

import re
from pathlib import Path
from urllib.parse import unquote

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from support import ROOT

from commands.notebooks import rendering

LINK = re.compile(r'<a href="([^"]*)"')


def page(*cells: nbformat.NotebookNode) -> str:
    return rendering.render("a notebook", new_notebook(cells=list(cells)))


def shown(*outputs: nbformat.NotebookNode) -> str:
    """What the page shows below a cell with these outputs."""
    return (
        page(new_code_cell("x", outputs=list(outputs)))
        .split("<pre>x</pre></div>")[1]
        .split("</body>")[0]
        .strip()
    )


def data(**forms: str) -> nbformat.NotebookNode:
    return new_output("display_data", {form.replace("_", "/", 1): text for form, text in forms.items()})


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda path: path.stem)
def test_every_notebook_has_a_page_with_its_text_its_code_and_its_plots(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    found = rendering.render(path.stem, notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    plots = [output for cell in code for output in cell.outputs if "image/png" in output.get("data", {})]
    assert found.count('<div class="code">') == len(code)
    assert found.count("<img ") == len(plots)
    assert found.count("<h1>") == 1
    assert "<th>needs</th>" in found


def test_the_best_form_of_an_output_is_shown() -> None:
    assert shown(data(text_html="<b>1</b>", text_plain="1")) == '<div class="output">\n<b>1</b>\n</div>'
    assert 'src="data:image/png;base64,QUJD"' in shown(data(image_png="QU\nJD", text_plain="<Figure>"))
    assert "<em>so</em>" in shown(data(text_markdown="*so*", text_plain="x"))
    assert (
        shown(new_output("stream", text="a < b\n")) == '<div class="output">\n<pre>a &lt; b\n</pre>\n</div>'
    )


def test_what_is_only_for_programs_is_not_shown() -> None:
    assert shown(new_output("display_data", {"application/vnd.own+json": {"a": 1}})) == ""


def test_an_error_is_shown_without_the_colours_of_a_terminal() -> None:
    error = new_output(
        "error",
        ename="BadInput",
        evalue="Give another.",
        traceback=["\x1b[31mBadInput\x1b[0m: Give <another>."],
    )
    assert shown(error) == '<div class="output error">\n<pre>BadInput: Give &lt;another&gt;.</pre>\n</div>'
    without = new_output("error", ename="BadInput", evalue="Give another.", traceback=[])
    assert "<pre>BadInput: Give another.</pre>" in shown(without)


def test_nothing_in_it_may_run_or_be_fetched() -> None:
    found = page(
        new_markdown_cell("<script>alert(1)</script> [x](javascript:alert(2))"),
        new_code_cell("</pre><script>"),
    )
    assert (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
        in found
    )
    assert "<script" not in found
    assert 'href="javascript' not in found


def test_an_answer_is_folded_and_no_other_html_is_let_through() -> None:
    source = "**Try it.** Why?\n\n<details><summary>Answer</summary>\n\nSo.\n\n</details>\n\n<b>x</b>"
    found = page(new_markdown_cell(source))
    assert "<details><summary>Answer</summary>\n<p>So.</p>\n</details>" in found
    assert "&lt;b&gt;x" in found


def test_a_picture_has_its_alternative_text_and_its_width() -> None:
    about = {"image/png": {"alt": "Two <dots>.", "width": 300}}
    output = new_output("display_data", {"image/png": "aGk="}, metadata=about)
    assert '<img alt="Two &lt;dots&gt;." width="300" src="data:image/png;base64,aGk=">' in shown(output)


def test_a_notebook_that_was_not_written_has_no_page(tmp_path: Path) -> None:
    rendering.write(tmp_path / "01_own.ipynb", ROOT / "notebooks" / "01_own.ipynb")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda path: path.stem)
def test_the_links_of_a_page_lead_to_files_that_exist(tmp_path: Path, path: Path) -> None:
    for notebook in path.parent.glob("*.ipynb"):
        (tmp_path / notebook.name).write_bytes(notebook.read_bytes())
    rendering.write(tmp_path / path.name, path)
    links = LINK.findall((tmp_path / path.name).with_suffix(".html").read_text(encoding="utf-8"))
    here = [unquote(link.partition("#")[0]) for link in links if not link.startswith(("https:", "#"))]
    assert any("/docs/" in link for link in here)
    assert [link for link in here if not (tmp_path / link).exists()] == []


def test_only_links_that_lead_out_of_the_folder_are_changed() -> None:
    prose = new_markdown_cell("[a](../a.md) [b](02.ipynb) [c](https://x.org/../c) `../d`")
    found = rendering.render("a notebook", new_notebook(cells=[prose]), "../../so & so")
    assert LINK.findall(found) == ["../../so%20%26%20so/a.md", "02.ipynb", "https://x.org/../c"]
    assert "<code>../d</code>" in found
