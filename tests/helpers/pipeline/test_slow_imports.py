"""What imports postpone is there when somebody asks for it: the grammar of IRIs, and the look for garbage."""

import gc
import importlib.util
import subprocess
import sys

import pytest

from helpers.pipeline.slow_imports import GRAMMAR, without_collections

has_grammar = pytest.mark.skipif(importlib.util.find_spec(GRAMMAR) is None, reason="comes with JupyterLab")


@has_grammar
@pytest.mark.slow
@pytest.mark.parametrize("module", ["commands.running.perform", "commands.notebooks.clean"])
def test_who_reads_a_notebook_does_not_compile_it(module: str) -> None:
    code = (
        f"import sys, {module}; print('jsonschema' in sys.modules, '{GRAMMAR}.syntax_helpers' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True False\n"


@has_grammar
def test_neither_do_the_processes_of_tests() -> None:
    assert "jsonschema" in sys.modules
    assert f"{GRAMMAR}.syntax_helpers" not in sys.modules, "conftest.py has to postpone it first of all"


@has_grammar
@pytest.mark.slow
def test_a_text_is_checked_as_ever_and_the_whole_package_is_there() -> None:
    code = (
        "import commands, jsonschema, sys\n"
        "checker = jsonschema.Draft202012Validator.FORMAT_CHECKER\n"
        "form = jsonschema.Draft202012Validator({'format': 'iri'}, format_checker=checker)\n"
        "print(*map(form.is_valid, ('https://example.org/\\u00fc', 'no iri', 'https://example.org/')))\n"
        f"import {GRAMMAR} as grammar\n"
        "print(grammar.is_valid_syntax('iri', 'no iri'), callable(grammar.parse))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True False True\nFalse True\n"


@has_grammar
@pytest.mark.slow
def test_another_function_of_it_is_found_before_it_is_compiled() -> None:
    code = f"import commands\nfrom {GRAMMAR} import parse\nprint(parse('iri', 'https://example.org/').data)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "iri\n"


@pytest.mark.parametrize("before", [True, False])
def test_collections_are_as_they_were_also_after_an_error(before: bool) -> None:
    was_enabled = gc.isenabled()
    (gc.enable if before else gc.disable)()
    try:
        with pytest.raises(ImportError), without_collections():
            assert not gc.isenabled()
            cycle: list = []
            cycle.append(cycle)
            raise ImportError
        assert gc.isenabled() is before
        assert not any(one is cycle for one in gc.get_objects()), "what came meanwhile stays"
    finally:
        (gc.enable if was_enabled else gc.disable)()
