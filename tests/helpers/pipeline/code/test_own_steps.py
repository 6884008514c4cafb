"""Your own steps: what a file may add, and what it may not."""

import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from tabular.spec.algorithms import ALGORITHMS

from helpers.errors import BadInput
from helpers.pipeline.code import algorithms, job_source

FOREST = """
from tabular.spec.estimators import Algorithm, Estimator, Integer

forest = Estimator("sklearn.ensemble.RandomForestClassifier", {"max_depth": Integer(2, 8, default=4)})
ALGORITHMS = [Algorithm("Shallow", standardise=False, estimators={"classification": forest})]
"""


@pytest.fixture
def steps(tmp_path: Path) -> Callable[[str], str]:
    """The path of a file with these steps."""

    def write(text: str) -> str:
        (tmp_path / "mine.py").write_text(text)
        return str(tmp_path / "mine.py")

    return write


def test_without_a_file_the_project_s_algorithms_compete() -> None:
    assert algorithms.competing("") is ALGORITHMS


def test_an_algorithm_of_your_own_competes_in_the_family_that_it_has(steps: Callable[[str], str]) -> None:
    competing = algorithms.competing(steps(FOREST))
    assert list(competing) == [*ALGORITHMS, "Shallow"]
    table = algorithms.table("classification", competing)
    assert table.loc[("Shallow", "max_depth")].tolist() == ["2 to 8", "linear", "4"]
    assert "Shallow" not in algorithms.table("regression", competing).index


def test_a_file_that_was_edited_is_read_again(steps: Callable[[str], str]) -> None:
    algorithms.competing(steps(FOREST))
    assert "Deeper" in algorithms.competing(steps(FOREST.replace("Shallow", "Deeper")))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("def clean(frame:", "cannot be used ("),
        ("import nowhere_at_all", "No module named 'nowhere_at_all'"),
        ("ALGORITHMS = 5", "must be a list of"),
        ("ALGORITHMS = ['forest']", "must be a list of"),
        (FOREST.replace("Shallow", "XGBoost"), "'XGBoost'"),
        (
            FOREST.replace("Shallow", "my forest"),
            "where the name 'my forest' is invalid; use letters and digits",
        ),
        (FOREST.replace('{"max_depth": Integer(2, 8, default=4)}', "{}"), "has nothing to tune; give it a"),
    ],
    ids=["no Python", "does not run", "no list", "no algorithms", "taken", "a name", "no ranges"],
)
def test_a_file_that_cannot_be_used_is_refused(
    steps: Callable[[str], str], text: str, complaint: str
) -> None:
    with pytest.raises(BadInput) as raised:
        algorithms.competing(steps(text))
    assert str(raised.value).startswith("STEPS names ")
    assert complaint in str(raised.value)


@pytest.mark.parametrize("job", job_source.JOBS)
def test_the_file_travels_with_every_job_and_with_it_what_it_imports(job: str) -> None:
    text = FOREST.replace("tabular.spec.estimators", "tabular.algorithms")
    with tarfile.open(fileobj=io.BytesIO(job_source.archive(job, own_steps=text))) as archive:
        assert archive.extractfile("custom_steps.py").read().decode() == text
        names = set(archive.getnames())
    with tarfile.open(fileobj=io.BytesIO(job_source.archive(job))) as archive:
        assert names - set(archive.getnames()) == {"custom_steps.py", "tabular/algorithms.py"}
