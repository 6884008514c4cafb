"""Stored notebooks: what they show, without the traces of one run."""

import json
import re
from pathlib import Path

import nbformat
import papermill
import pytest
from nbformat import NotebookNode
from support import ROOT
from support.helpers.shared import SideBySide, settings

from commands.__main__ import main
from commands.notebooks import history, store
from commands.running import perform, planning
from helpers.data import datasets
from helpers.errors import JobFailed, UserError
from helpers.runs.facts import MIME_TYPE


def code(*outputs: NotebookNode, tags: tuple[str, ...] = (), count: int | None = 7) -> NotebookNode:
    metadata = {"tags": list(tags), "papermill": {"duration": 1.5}, "execution": {"iopub.status.idle": "x"}}
    return nbformat.v4.new_code_cell("1", outputs=list(outputs), execution_count=count, metadata=metadata)


def output(kind: str = "display_data", **data: object) -> NotebookNode:
    made = nbformat.v4.new_output(kind, data={name.replace("_", "/"): value for name, value in data.items()})
    made.metadata["many-models-progress"] = "wine: A Executing"
    return made


def stored(*cells: NotebookNode) -> NotebookNode:
    notebook = nbformat.v4.new_notebook(cells=list(cells))
    notebook.metadata["papermill"] = {"start_time": "2026-01-02T03:04:05"}
    return store.stored(notebook)


def test_metadata_and_papermills_traces_are_gone_and_tags_stay() -> None:
    result = nbformat.v4.new_output("execute_result", data={"text/plain": "1"}, execution_count=7)
    notebook = stored(code(result, tags=("parameters",)), code())
    assert "papermill" not in notebook.metadata
    assert [cell.execution_count for cell in notebook.cells] == [1, 2], "as in a fresh kernel"
    assert notebook.cells[0].outputs[0].execution_count == 1
    assert [cell.metadata for cell in notebook.cells] == [{"tags": ["parameters"]}, {}]


def test_a_picture_is_kept_once() -> None:
    (cell,) = stored(code(output(image_png="iVBO", text_html="<img>", text_plain="A curve."))).cells
    assert cell.outputs[0].data == {"image/png": "iVBO", "text/plain": "A curve."}


def test_the_cell_that_papermill_put_in_is_gone() -> None:
    assert len(stored(code(tags=("parameters",)), code(tags=("injected-parameters",))).cells) == 1


def test_the_port_and_the_id_of_a_request_are_made_alike() -> None:
    printed = nbformat.v4.new_output("stream", text="curl http://127.0.0.1:45621/function-url/invoker/\n")
    card = output(text_plain="x-request-id: 5ee1bb8d-81c4-4f7a-a1e8-10da8fe15e95")
    (cell,) = stored(code(printed, card)).cells
    assert cell.outputs[0].text == "curl http://127.0.0.1:8000/function-url/invoker/\n"
    assert cell.outputs[1].data["text/plain"] == "x-request-id: (id)"


def test_facts_for_the_runner_are_gone_and_times_are_made_alike() -> None:
    facts = nbformat.v4.new_output("display_data", data={MIME_TYPE: {"dataset": "wine", "facts": {}}})
    table = output(text_plain="approved 2026-01-02 03:04", text_html="<td>2026-01-02 03:04</td>")
    (cell,) = stored(code(facts, table)).cells
    assert [dict(each.data) for each in cell.outputs] == [
        {"text/plain": "approved (time)", "text/html": "<td>(time)</td>"}
    ]
    assert cell.outputs[0].metadata == {}


@pytest.mark.slow
def test_of_a_real_run_nothing_is_stored_that_differs_at_the_next(side_by_side: SideBySide) -> None:
    for each in side_by_side.runs:
        after = store.stored(nbformat.read(each.executed, as_version=4))
        nbformat.validate(after)
        written = nbformat.writes(after)
        shown = [output for cell in after.cells for output in cell.get("outputs", [])]
        assert shown
        assert not re.search(r"arn:aws|20\d\d-\d\d-\d\d[T ]\d|127\.0\.0\.1", written)
        assert str(each.home) not in json.dumps(shown)


@pytest.mark.slow
def test_what_is_stored_is_the_notebook_as_it_stands_in_the_project(side_by_side: SideBySide) -> None:
    executed = side_by_side.first.executed
    project = nbformat.read(ROOT / "notebooks" / executed.name, as_version=4)
    after = store.stored(nbformat.read(executed, as_version=4))
    assert [cell.source for cell in after.cells] == [cell.source for cell in project.cells]
    assert (
        papermill.inspect_notebook(str(executed)).keys()
        == papermill.inspect_notebook(str(ROOT / "notebooks" / executed.name)).keys()
    )


@pytest.mark.parametrize("episode", [*history.episodes(), history.LAST], ids=lambda it: it.notebooks[0])
def test_each_episode_of_the_history_asks_for_what_is_allowed(episode: history.Episode) -> None:
    plan = planning.plan(planning.chosen(episode.notebooks, None), episode.values)
    chosen, left_out = datasets.choose(datasets.before_a_session(plan.everything["DATASETS"]))
    assert ([table.name for table in chosen], left_out) == (list(history.KNOWN), {})


def test_an_episode_that_ends_otherwise_than_it_must_leaves_the_stored_notebooks_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(perform, "run", lambda *_: 0)
    with pytest.raises(UserError, match="This run ended with 0 instead of 3: the quality gate refused"):
        store._run([], history.episodes()[1], tmp_path)


@pytest.mark.slow
def test_a_run_that_fails_leaves_the_stored_notebooks_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def failing(notebooks: list[Path], values: dict[str, object], runs: Path) -> int:
        assert values == {"ENVIRONMENT": "local", **history.episodes()[0].values}
        assert not runs.is_relative_to(ROOT)
        raise JobFailed("wine: PreprocessData failed.")

    notebooks = sorted((ROOT / "notebooks").glob("*.ipynb"))
    before = [path.read_bytes() for path in notebooks]
    monkeypatch.setattr(perform, "run", failing)
    with settings({}):
        assert main(["store"]) == 1
    assert [path.read_bytes() for path in notebooks] == before
    assert capsys.readouterr().err.splitlines()[1:] == [
        "wine: PreprocessData failed.",
        "The stored notebooks are unchanged.",
    ]
