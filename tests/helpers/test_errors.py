"""Errors that the user can fix, and their exit codes."""

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from helpers.errors import BadInput, ExitCode, JobFailed, UserError, refusing


def test_every_error_has_its_exit_code() -> None:
    assert {kind: kind.exit_code for kind in (UserError, JobFailed, BadInput)} == {
        UserError: ExitCode.FAILED,
        JobFailed: ExitCode.FAILED,
        BadInput: ExitCode.BAD_INPUT,
    }


def test_what_another_package_refuses_is_refused_in_one_line_that_says_of_what() -> None:
    with pytest.raises(BadInput) as raised, refusing("The table of wine"):
        raise ValueError("It has no rows;\n  give one that has.")
    assert str(raised.value) == "The table of wine: It has no rows; give one that has."


def test_a_question_at_the_end_gets_no_full_stop() -> None:
    with pytest.raises(BadInput) as raised, refusing("The table of wine"):
        raise ValueError("Unknown column 'Store'.\nDid you mean 'store'?")
    assert str(raised.value) == "The table of wine: Unknown column 'Store'. Did you mean 'store'?"


def test_any_other_error_stays_what_it_is() -> None:
    with pytest.raises(KeyError), refusing("The table of wine"):
        raise KeyError("a fault of ours")


@pytest.mark.slow
def test_a_notebook_shows_the_sentence_alone() -> None:
    cell = nbformat.v4.new_code_cell("from helpers.errors import BadInput\nraise BadInput('Give another.')")
    notebook = nbformat.v4.new_notebook(cells=[cell])
    with pytest.raises(CellExecutionError):
        NotebookClient(notebook, kernel_name="python3").execute()
    (output,) = notebook.cells[0].outputs
    assert (output.ename, output.evalue) == ("BadInput", "Give another.")
    assert output.traceback == ["BadInput: Give another."]
