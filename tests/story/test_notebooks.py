"""The five notebooks: one opening, short cells, plain parameters, and outputs that are safe to show."""

import ast
import json
import re
import statistics
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import papermill
import pytest
import yaml
from papermill.parameterize import parameterize_notebook
from support import ROOT
from support.notebooks.answers import answers, question

from helpers.parameters import OF_THE_RUN, PARAMETERS, parse, read

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PARAMETER_FILES = sorted((ROOT / "parameters").rglob("*.yaml"))
every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
LINK = re.compile(r"\[([^\]]+)\]\(([^)]+)\)")
TRY_IT = re.compile(  # at the end of a cell: a question or a task, and its answer in words, and code if any
    r"\*\*Try it\.\*\* [^\n]+[?.]\n\n<details><summary>Answer</summary>\n\n"
    r"(?!```).+?(\n\n```python\n.+?\n```)?\n\n</details>\Z",
    re.DOTALL,
)
WIDEST = 940  # pixels of a picture: a page that shows it smaller makes its words smaller


def cells(path: Path, kind: str = "code") -> list[dict[str, Any]]:
    found = [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == kind]
    return [{**cell, "source": "".join(cell["source"])} for cell in found]


def parameters(path: Path) -> list[dict[str, Any]]:
    return [cell for cell in cells(path) if "parameters" in cell["metadata"].get("tags", [])]


def test_there_are_the_five_of_them_in_order() -> None:
    assert [path.stem for path in NOTEBOOKS] == [
        "01_build_image",
        "02_define_pipeline",
        "03_run_and_inspect",
        "04_approve_and_deploy",
        "05_invoke_and_load_test",
    ]


@every_notebook
def test_it_opens_with_a_title_a_sentence_and_what_it_needs_writes_takes_and_costs(path: Path) -> None:
    title, sentence, table = cells(path, "markdown")[0]["source"].split("\n\n")[:3]
    assert title.startswith(f"# {int(path.stem[:2])}. ")
    assert sentence.endswith(".")
    assert table.splitlines()[0] == "| needs | writes | takes | costs |"


@every_notebook
def test_it_ends_with_takeaways_and_the_way_on(path: Path) -> None:
    last = cells(path, "markdown")[-1]["source"]
    assert "## Takeaways" in last
    following = [other.name for other in NOTEBOOKS if other.stem > path.stem]
    assert (following[0] if following else "README.md") in last


@every_notebook
def test_it_says_in_three_points_what_one_can_do_after_it(path: Path) -> None:
    opening = cells(path, "markdown")[0]["source"]
    goals = opening.partition("**After this notebook you can**\n\n")[2].split("\n\n")[0]
    assert len(goals.splitlines()) == 3
    assert all(line.startswith("- ") for line in goals.splitlines())


@every_notebook
def test_it_says_where_it_stands_among_the_five(path: Path) -> None:
    bar = cells(path, "markdown")[0]["source"].splitlines()[-1].split(" · ")
    assert len(bar) == len(NOTEBOOKS)
    for other, step in zip(NOTEBOOKS, bar, strict=True):
        label = rf"{int(other.stem[:2])} \w+"
        here = rf"\*\*{label}\*\*" if other == path else rf"\[{label}\]\({other.name}\)"
        assert re.fullmatch(here, step), step


@every_notebook
def test_it_ends_with_three_to_five_ways_to_read_on(path: Path) -> None:
    last = cells(path, "markdown")[-1]["source"]
    listed = last.partition("**Read on**\n\n")[2].split("\n\n")[0].splitlines()
    assert 3 <= len(listed) <= 5
    assert all(line.startswith("- ") and LINK.search(line) for line in listed)


@every_notebook
def test_a_link_leads_to_a_file_or_to_a_page(path: Path) -> None:
    for cell in cells(path, "markdown"):
        for _, target in LINK.findall(cell["source"]):
            place = target.partition("#")[0]
            assert place.startswith("https://") or (path.parent / place).exists(), target


@every_notebook
def test_each_section_asks_one_question_and_folds_its_answer(path: Path) -> None:
    asked = [cell["source"] for cell in cells(path, "markdown") if "Try it" in cell["source"]]
    assert not [source for source in asked if not TRY_IT.search(source)]
    sections = re.split(
        r"^## ", "\n".join(cell["source"] for cell in cells(path, "markdown")), flags=re.MULTILINE
    )
    numbered = [section for section in sections if re.match(r"\d\.\d+ ", section)]
    assert [section.count("**Try it.**") for section in numbered] == [1] * len(asked)


@every_notebook
def test_it_has_enough_words_to_learn_from_and_few_enough_to_read(path: Path) -> None:
    prose = "\n".join(cell["source"] for cell in cells(path, "markdown"))
    prose = re.sub(
        r"<details>.*?</details>", " ", LINK.sub(r"\1", prose), flags=re.DOTALL
    )  # until it is opened
    prose = re.sub(r"^\|.*|^.* · .*", " ", prose, flags=re.MULTILINE)  # tables, and the bar of steps
    assert 700 <= len(re.findall(r"\w[\w'.-]*", prose)) <= 1400


@every_notebook
def test_a_section_begins_a_slide_and_what_is_only_for_the_kernel_is_on_none(path: Path) -> None:
    for cell in cells(path, "markdown"):
        if cell["source"].startswith("#"):
            assert cell["metadata"]["slideshow"]["slide_type"] == "slide", cell["source"]
    for cell in cells(path):
        if "parameters" in cell["metadata"].get("tags", []) or "check(globals())" in cell["source"]:
            assert cell["metadata"]["slideshow"]["slide_type"] == "skip", cell["source"]


def outputs(path: Path) -> list[dict[str, Any]]:
    return [output for cell in cells(path) for output in cell["outputs"]]


def forms(path: Path) -> list[str]:
    """Everything that its stored outputs say as text."""
    return [
        "".join(content)
        for output in outputs(path)
        for kind, content in {"text/plain": output.get("text", ""), **output.get("data", {})}.items()
        if kind.startswith("text/")
    ]


@every_notebook
def test_who_does_not_see_its_pictures_is_told_what_is_on_them(path: Path) -> None:
    pictures = [output for output in outputs(path) if "image/png" in output.get("data", {})]
    assert pictures
    for picture in pictures:
        about = picture["metadata"]["image/png"]
        assert len(about["alt"].split()) >= 5
        assert about["alt"] == "".join(picture["data"]["text/plain"])
        assert about["width"] <= WIDEST
    for text in forms(path):
        assert all(re.search(r'alt="\w', image) for image in re.findall(r"<img[^>]*>", text))


@every_notebook
def test_it_shows_no_empty_table_and_no_address_in_memory(path: Path) -> None:
    for text in forms(path):
        assert not re.search(r"<tbody>\s*</tbody>|Empty DataFrame|This table has no rows", text)
        assert " at 0x" not in text, text


@every_notebook
def test_its_parameters_are_literals_with_their_type_and_what_is_allowed(path: Path) -> None:
    assert len(parameters(path)) == 1
    source = parameters(path)[0]["source"]
    for statement, line in zip(ast.parse(source).body, source.splitlines(), strict=True):
        assert isinstance(statement, ast.Assign)
        ast.literal_eval(statement.value)
        assert re.match(r"[A-Z_]+ = .+  # (str|int|float|bool|list): .+", line), line


@every_notebook
def test_each_of_its_parameters_is_used(path: Path) -> None:
    (given,) = parameters(path)
    rest = [ast.parse(cell["source"]) for cell in cells(path) if cell != given]
    used = {node.id for tree in rest for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert {statement.targets[0].id for statement in ast.parse(given["source"]).body} <= used


@every_notebook
def test_its_defaults_are_allowed_values(path: Path) -> None:
    inspected = papermill.inspect_notebook(str(path))
    defaults = {name: ast.literal_eval(found["default"]) for name, found in inspected.items()}
    assert parse(defaults) == defaults


@every_notebook
def test_parameters_that_are_all_text_have_their_types_after_its_first_cell(path: Path) -> None:
    """papermill's `-r` and Studio's notebook jobs pass nothing but text."""
    defaults = {name: found["default"] for name, found in papermill.inspect_notebook(str(path)).items()}
    values = {name: ast.literal_eval(text) for name, text in defaults.items()}
    texts = {name: value if isinstance(value, str) else defaults[name] for name, value in values.items()}
    given = parameterize_notebook(papermill.iorw.load_notebook_node(str(path)), texts)
    parameters_cell, injected, first = [cell.source for cell in given.cells if cell.cell_type == "code"][:3]
    kernel: dict[str, Any] = {}
    for source in (parameters_cell, injected, first[: first.index("check(globals())")]):
        exec(source, kernel)
    assert {name: kernel[name] for name in texts} == texts
    exec("check(globals())", kernel)
    typed = {name: (type(kernel[name]), kernel[name]) for name in values}
    assert typed == {name: (type(value), value) for name, value in values.items()}


@every_notebook
def test_a_cell_asks_one_question(path: Path) -> None:
    listed = parameters(path)  # a line for each, however many there are
    lengths = [len(cell["source"].splitlines()) for cell in cells(path) if cell not in listed]
    assert max(lengths) <= 20
    assert statistics.median(lengths) <= 6


@every_notebook
def test_code_in_its_prose_is_the_answer_to_a_question(path: Path) -> None:
    """Every answer is executed: tests/story/test_demo.py."""
    for cell in cells(path, "markdown"):
        asked = question(cell)
        assert cell["source"].count("Try it") == bool(asked), cell["source"]
        assert cell["source"].count("```python") == len(answers(cell)) * bool(asked), cell["source"]


@every_notebook
def test_a_cell_holds_no_logic_that_belongs_in_a_helper(path: Path) -> None:
    forbidden = (ast.FunctionDef, ast.ClassDef, ast.Try, ast.If, ast.While, ast.Lambda, ast.With)
    for cell in cells(path):
        assert not re.search(r"^\s*[%!]|sys\.path|os\.chdir", cell["source"], re.MULTILINE)
        assert not re.search(r"[\"'](/|\.\./|~|[A-Z]:\\)", cell["source"]), "a path of one machine"
        assert not [node for node in ast.walk(ast.parse(cell["source"])) if isinstance(node, forbidden)]


@every_notebook
def test_every_code_cell_but_imports_and_parameters_says_what_it_does(path: Path) -> None:
    for cell in cells(path):
        if "parameters" not in cell["metadata"].get("tags", []) and not cell["source"].startswith(
            "from helpers"
        ):
            assert cell["source"].startswith("# "), cell["source"]


@every_notebook
def test_it_is_stored_with_its_outputs_and_without_the_traces_of_one_run(path: Path) -> None:
    whole = json.loads(path.read_text())
    assert "papermill" not in whole["metadata"]
    assert any(cell["outputs"] for cell in cells(path))
    for number, cell in enumerate(cells(path), start=1):
        assert cell["execution_count"] == number
        assert set(cell["metadata"]) <= {"tags", "slideshow"}
        assert not re.search(r"arn:aws|\d{4}-\d\d-\d\d[T ]\d\d:\d\d", json.dumps(cell["outputs"]))


@every_notebook
def test_its_stored_outputs_hold_no_error(path: Path) -> None:
    outputs = [output for cell in cells(path) for output in cell["outputs"]]
    assert not [output for output in outputs if output["output_type"] == "error"]
    assert not [output for output in outputs if output.get("name") == "stderr"]


def imported(path: Path) -> Iterator[ModuleType]:
    """The modules that a notebook imports, and has names for."""
    for cell in cells(path):
        for node in ast.walk(ast.parse(cell["source"])):
            for name in node.names if isinstance(node, ast.ImportFrom) else ():
                import_module(node.module)
                with suppress(ModuleNotFoundError):  # a function
                    yield import_module(f"{node.module}.{name.name}")


@every_notebook
def test_completion_offers_what_one_may_call_in_the_modules_that_it_imports(path: Path) -> None:
    found = list(imported(path))
    assert found
    for module in found:
        assert dir(module) == sorted(module.__all__), f"{module.__name__}: set __dir__ = __all__.copy"


def test_every_parameter_is_one_of_a_notebook_or_of_the_run_itself() -> None:
    used = {name for path in NOTEBOOKS for name in papermill.inspect_notebook(str(path))}
    assert not used & set(OF_THE_RUN)
    assert used | set(OF_THE_RUN) == set(PARAMETERS)
    assert parse(OF_THE_RUN) == OF_THE_RUN


@pytest.mark.parametrize("path", PARAMETER_FILES, ids=lambda path: path.stem)
def test_every_key_of_a_parameter_file_is_a_parameter_with_an_allowed_value(path: Path) -> None:
    values = read(path)
    assert parse(values) == values


@pytest.mark.parametrize("name", ["aws", "schedule"])
def test_no_file_for_aws_approves_or_loads(name: str) -> None:
    values = yaml.safe_load((ROOT / f"parameters/{name}.yaml").read_text())
    assert (values["APPROVE"], values["LOAD_TEST"]) == ("none", False)


def test_without_a_parameter_file_nothing_is_approved() -> None:
    inspected = papermill.inspect_notebook(str(ROOT / "notebooks/04_approve_and_deploy.ipynb"))
    assert inspected["APPROVE"]["default"] == '"none"'
