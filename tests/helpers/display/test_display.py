"""Tables, cards, pictures and sentences, as a kernel and as a terminal are sent them."""

import base64
import os
import re
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import nbformat
import pandas as pd
import pytest
from nbclient import NotebookClient
from tabular.spec.options import Options

from helpers import display
from helpers.data.datasets import Dataset
from helpers.display import frames
from helpers.display.frames import as_html, paragraph
from helpers.plots import figures
from helpers.runs import Execution
from helpers.session.storage import File

CELLS = (
    """
from helpers.parameters import check
from helpers.display import card, picture, say
check(globals())
""",
    """
import pandas as pd
pd.DataFrame({"words": ["<b>", "x" * 200], "number": [1.5, None]}, index=["a", "b"])
""",
    """
none = pd.DataFrame({"words": []})
none.attrs["instead"] = "Nothing is here yet; run the cell above."
none
""",
    'card("A job", {"reads": ["train.csv", "a < b"], "seconds": 3})',
    'say("Nothing waits for a decision.")',
    """
from matplotlib import pyplot as plt
from helpers.plots import figures
figure = figures.styled(plt.figure)(figsize=(4, 2))
axes = figures.shown(figure, "An empty figure.")
""",
    """picture('<svg xmlns="http://www.w3.org/2000/svg"/>', 'A "drawing".')""",
)


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """What each cell shows, in a kernel."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
    folder = tmp_path_factory.mktemp("kernel")
    NotebookClient(notebook, kernel_name="python3", resources={"metadata": {"path": str(folder)}}).execute()
    return [cell.outputs for cell in notebook.cells]


def test_a_kernel_shows_words_to_the_left_and_numbers_to_the_right(shown: list[Any]) -> None:
    (output,) = shown[1]
    assert output.data["text/html"].count("text-align: right") == 3
    assert "&lt;b&gt;" in output.data["text/html"]
    assert "x" * 200 in output.data["text/html"].replace("<wbr>", "")
    assert "\N{EN DASH}" in output.data["text/html"]


def test_a_kernel_shows_the_sentence_of_an_empty_table(shown: list[Any]) -> None:
    (output,) = shown[2]
    assert output.data["text/html"] == "<p>Nothing is here yet; run the cell above.</p>"
    assert output.data["text/plain"] == "Nothing is here yet; run the cell above."


def test_a_kernel_shows_a_card(shown: list[Any]) -> None:
    (output,) = shown[3]
    assert "train.csv<br>a &lt; b" in output.data["text/html"]
    assert output.data["text/plain"].splitlines() == [
        "A job",
        "  reads    train.csv",
        "           a < b",
        "  seconds  3",
    ]


def test_a_kernel_shows_a_sentence(shown: list[Any]) -> None:
    (output,) = shown[4]
    assert output.data == {
        "text/html": "<p>Nothing waits for a decision.</p>",
        "text/plain": "Nothing waits for a decision.",
    }


def test_a_long_group_of_rows_is_folded_and_the_others_stay_in_one_table() -> None:
    rows = [(name, place) for name, count in (("a", 2), ("b", 21), ("c", 3)) for place in range(count)]
    table = pd.DataFrame({"value": range(26)}, index=pd.MultiIndex.from_tuples(rows))
    before, folded, after = as_html(table).split("<table>")[1:]
    assert before.endswith("<details><summary>b: 21 rows</summary>")
    assert folded.endswith("</details>\n")
    assert [shown.count("<tr>") - 1 for shown in (before, folded, after)] == [2, 21, 3]
    values = re.findall(r"right; [^>]*>(\d+)</td>", before + folded + after)
    assert values == [str(value) for value in range(26)]


def test_a_table_of_one_group_is_not_folded() -> None:
    index = pd.MultiIndex.from_product([["a"], range(30)])
    assert "<details>" not in as_html(pd.DataFrame({"value": range(30)}, index=index))
    assert "<details>" not in as_html(pd.DataFrame({"value": range(30)}, index=["same"] * 30))


def test_what_stands_between_backticks_is_code() -> None:
    assert paragraph("No `a<b` here, nor `c`.") == "<p>No <code>a&lt;b</code> here, nor <code>c</code>.</p>"
    assert paragraph("A single ` stays.") == "<p>A single ` stays.</p>"


def test_a_kernel_shows_a_figure_once_at_twice_the_resolution_with_its_alternative_text(
    shown: list[Any],
) -> None:
    (output,) = shown[5]
    about = output.metadata["image/png"]
    pixels = int.from_bytes(base64.b64decode(output.data["image/png"])[16:20], "big")
    assert about["alt"] == output.data["text/plain"] == "An empty figure."
    assert pixels == pytest.approx(2 * about["width"], abs=1)


def test_jupyterlab_is_sent_the_alternative_text_in_a_form_that_it_shows(tmp_path: Path) -> None:
    source = f"{CELLS[0]}\n{CELLS[5]}"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    client = NotebookClient(notebook, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}})
    client.execute(env={**os.environ, "JPY_SESSION_NAME": "notebooks/03_run_and_inspect.ipynb"})
    (output,) = notebook.cells[0].outputs
    picture, width = output.data["image/png"].strip(), output.metadata["image/png"]["width"]
    image = f'<img alt="An empty figure." width="{width}" src="data:image/png;base64,{picture}"'
    assert output.data["text/html"].startswith(image)


def test_a_kernel_shows_a_drawing_with_its_alternative_text(shown: list[Any]) -> None:
    (output,) = shown[6]
    assert 'alt="A &quot;drawing&quot;."' in output.data["text/html"]


def test_outside_a_kernel_the_alternative_text_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    figure, _ = plt.subplots()
    (axes,) = figures.shown(figure, "A figure of nothing.")
    assert capsys.readouterr().out == "A figure of nothing.\n"
    assert not plt.fignum_exists(figure.number)
    assert axes.figure is figure


def test_a_picture_without_an_alternative_text_is_refused() -> None:
    with pytest.raises(ValueError, match="alternative text"):
        display.picture("<svg/>", " ")


def test_the_style_lasts_as_long_as_the_function_that_draws() -> None:
    settings = figures.styled(lambda: dict(plt.rcParams))
    before = dict(plt.rcParams)
    assert min(settings()[name] for name in ("font.size", "xtick.labelsize", "legend.fontsize")) >= 11
    assert settings()["figure.figsize"][0] <= figures.WIDEST
    assert dict(plt.rcParams) == before


def test_a_label_that_rows_share_stands_once_beside_all_of_them() -> None:
    index = pd.MultiIndex.from_tuples([("a", "x"), ("a", "x"), ("b", "x")], names=["one", "two"])
    found = frames.as_html(pd.DataFrame({"n": [1, 2, 3]}, index=index))
    assert found.count('<th rowspan="2"') == 1
    assert found.count(">x</th>") == 3
    assert ">one</th>" in found and ">two</th>" in found


def test_of_a_very_long_table_it_says_how_many_rows_it_shows() -> None:
    found = frames.as_html(pd.DataFrame({"n": range(1200)}))
    assert "The first 500 of 1,200 rows." in found
    assert found.count("<tr>") == 501


def test_an_empty_table_without_a_sentence_says_that_it_has_no_rows() -> None:
    assert frames.as_text(pd.DataFrame({"n": []})) == "This table has no rows."


def test_what_a_person_meets_is_shown_as_a_card() -> None:
    assert repr(Execution("wine", "arn:aws:sagemaker:x", "20260101-1")).splitlines() == [
        "Execution of wine",
        "  run  20260101-1",
        "  ARN  arn:aws:sagemaker:x",
    ]
    assert repr(Execution("wine", refused="too few rows")).endswith("ARN  too few rows")
    table = Dataset(
        "wine", "cultivar", (File(Path("data/wine.csv")),), Options(drop=("id",)), {"threshold": 0.8}
    )
    assert repr(table).splitlines() == [
        "Data set wine",
        "  target     cultivar",
        "  files      wine.csv",
        "  drop       id",
        "  threshold  0.8",
    ]
    assert "<td" in table._repr_html_()


def test_a_long_word_may_be_broken_and_is_still_copied_as_it_is() -> None:
    address = f"s3://bucket/{'0123456789' * 8}/table.csv"
    found = frames.as_html(pd.DataFrame({"address": [address], "short": ["a few words that fit"]}))
    longest = max(re.split(r"<[^>]+>|\s", found), key=len)
    assert len(longest) <= 32
    assert address in found.replace("<wbr>", "")
    assert "a few words that fit" in found
