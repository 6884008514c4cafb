"""A packed search: the scores of jobs, the same result however it runs, and failures of one trial only."""

import multiprocessing
import os
import signal
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from support.container.tables import family, mixed
from tabular.data.features import features
from tabular.data.schema.inference import infer_schema
from tabular.data.schema.labels import encode
from tabular.learning.fitting import rounds_of, scores_of_fold
from tabular.learning.folds import Fold
from tabular.learning.rounds import best_rounds
from tabular.learning.scorers import scorer_of
from tabular.searching.proposals.portfolio import portfolio
from tabular.searching.proposals.proposals import Proposals
from tabular.searching.running import prepared
from tabular.searching.running.checkpoint import Checkpoint, keep_files, take_files
from tabular.searching.search import Search, Settings, search
from tabular.searching.trials import Configuration, Trial
from tabular.spec import own_steps
from tabular.spec.algorithms import ALGORITHMS
from tabular.spec.errors import BadInput
from tabular.spec.estimators import Algorithm, Continuous, Estimator
from tabular.spec.search import Plan

PLAN = Plan("LogisticRegression,NaiveBayes,LightGBM", 6, "neg_log_loss", 3, 7, ensemble="false")
LINEAR = "LogisticRegression,NaiveBayes"  # which take no time
DEFAULTS_FIRST = Settings(portfolio=False)  # whatever the portfolio has learnt


class Fails(ClassifierMixin, BaseEstimator):
    """Cannot be fitted."""

    def __init__(self, strength: float = 1.0) -> None:
        self.strength = strength

    def fit(self, features, target):
        raise ValueError("it did not\nconverge.")


class Dies(Fails):
    """Ends its process as the kernel does when memory runs out."""

    def fit(self, features, target):
        os.kill(os.getpid(), signal.SIGKILL)


class Slow(Fails):
    """Takes its time."""

    def fit(self, features, target):
        time.sleep(self.strength)
        self.classes_ = np.unique(target)
        return self

    def predict_proba(self, features):
        return np.full((len(features), len(self.classes_)), 1 / len(self.classes_))


@pytest.fixture
def own(monkeypatch):
    """Let the classes above compete, too."""
    strength = {"strength": Continuous(0.01, 2.0, default=1.0)}
    added = {
        kind.__name__: Algorithm(
            kind.__name__,
            standardise=False,
            estimators={"classification": Estimator(f"{__name__}.{kind.__name__}", strength, seeded=False)},
        )
        for kind in (Fails, Dies, Slow)
    }
    monkeypatch.setattr(own_steps, "algorithms", lambda: {**ALGORITHMS, **added})


def table(task: str = "binary", rows: int = 120):
    raw = mixed(task, rows)
    schema = infer_schema(raw, "target", family(task))
    return features(raw, schema), encode(raw["target"], schema), schema


def searched(plan: Plan = PLAN, task: str = "binary", **how) -> Search:
    return search(*table(task), None, plan, **how)


def without_times(found: Search) -> dict:
    said = found.report()
    del said["seconds"]
    for one in said["trials"]:
        del one["seconds"]
    return said


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_a_trial_has_the_scores_that_a_training_job_of_its_own_would_have(task):
    scorer = "neg_root_mean_squared_error" if task == "regression" else "neg_log_loss"
    found = searched(replace(PLAN, trials=3, scorer=scorer), task)
    frame, target, schema = table(task)
    for trial in found.trials:
        what = (trial.configuration.algorithm, trial.configuration.hyperparameters, 7)
        of_folds = [
            scores_of_fold(frame, target, rows, schema, *what, scorer_of(scorer, schema))
            for rows in found.folds
        ]
        kind = rounds_of(what[0], schema)
        rounds, scores = best_rounds(of_folds, kind) if kind else (None, [one.score for (one,) in of_folds])
        assert trial.rounds == rounds
        np.testing.assert_allclose(trial.scores, scores, rtol=1e-6)
    assert found.best.score == max(one.score for one in found.trials)


def test_the_result_is_the_same_in_this_process_and_in_two_others():
    plan = replace(PLAN, trials=14, ensemble="true")
    alone, beside = searched(plan), searched(plan, width=2)
    assert without_times(alone) == without_times(beside)
    assert {one.state for one in alone.trials} == {"complete", "pruned"}
    assert len(alone.trials) == 14
    for one, other in zip(alone.answers, beside.answers, strict=True):
        np.testing.assert_array_equal(one, other)


def test_folds_that_do_not_fit_into_memory_are_prepared_again(monkeypatch):
    plan = replace(PLAN, trials=4)
    kept = searched(plan, width=2)
    monkeypatch.setattr(prepared, "SHARE", 1e-7)  # some kilobytes
    assert without_times(searched(plan, width=2)) == without_times(kept)


def test_every_algorithm_competes_and_no_configuration_is_tried_twice():
    found = searched(replace(PLAN, trials=12), settings=DEFAULTS_FIRST)
    tried = [
        (one.configuration.algorithm, *one.configuration.hyperparameters.items()) for one in found.trials
    ]
    assert len(set(tried)) == 12
    assert [one.configuration.source for one in found.trials[:3]] == ["default"] * 3
    assert {one.configuration.algorithm for one in found.trials[:3]} == set(PLAN.names)
    assert "sampler" in {one.configuration.source for one in found.trials}


def test_the_portfolio_comes_first_and_every_algorithm_competes():
    found = searched(replace(PLAN, trials=4))
    sources = [one.configuration.source for one in found.trials]
    assert sources[0] == "portfolio"
    assert "sampler" not in sources
    assert {one.configuration.algorithm for one in found.trials} == set(PLAN.names)


@pytest.mark.parametrize("family", ["classification", "regression"])
def test_every_algorithm_competes_however_few_trials_there_are(family):
    for trials in range(len(ALGORITHMS), 25):
        proposals = Proposals(list(ALGORITHMS), family, trials, seed=1, known=portfolio(family))
        asked = [proposals.ask().algorithm for _ in range(trials)]
        assert set(asked) == set(ALGORITHMS), f"{trials} trials"
    few = Proposals(list(ALGORITHMS), family, 3, seed=1, known=portfolio(family))
    assert len({few.ask().algorithm for _ in range(3)}) == 3


def test_another_random_state_draws_other_configurations():
    plan = replace(PLAN, algorithms="LogisticRegression", trials=4)
    drawn = [
        [
            one.configuration
            for one in searched(replace(plan, random_state=state), settings=DEFAULTS_FIRST).trials
        ]
        for state in (1, 1, 2)
    ]
    assert drawn[0] == drawn[1] != drawn[2]


def test_a_search_that_was_killed_goes_on_with_the_same_result(tmp_path):
    plan = replace(PLAN, trials=8)
    whole = searched(plan)
    context = multiprocessing.get_context("fork")
    first = context.Process(target=searched, args=(plan,), kwargs={"checkpoint": tmp_path})
    first.start()
    while len(list(tmp_path.rglob("*.npz"))) < 4:  # of which the last may be half a file
        time.sleep(0.01)
    first.kill()
    first.join()
    lines = []
    again = searched(plan, checkpoint=tmp_path, say=lines.append)
    assert without_times(again) == without_times(whole)
    assert 3 <= sum("from the checkpoint" in line for line in lines) < 8
    half = next(tmp_path.rglob("trial-0001.npz"))
    half.write_bytes(half.read_bytes()[:100])
    lines.clear()
    assert without_times(searched(plan, checkpoint=tmp_path, say=lines.append)) == without_times(whole)
    assert sum("from the checkpoint" in line for line in lines) == 7
    lines.clear()
    searched(replace(plan, random_state=8), checkpoint=tmp_path, say=lines.append)
    assert not any("from the checkpoint" in line for line in lines), "another search has its own trials"


def test_an_algorithm_that_cannot_be_fitted_is_shown_with_its_reason(own):
    found = searched(replace(PLAN, algorithms="Fails,LogisticRegression", trials=4))
    failed = [one for one in found.trials if one.configuration.algorithm == "Fails"]
    assert {(one.state, one.reason) for one in failed} == {("failed", "fold 1: it did not converge")}
    assert found.best.configuration.algorithm == "LogisticRegression"
    assert found.report()["trials"][failed[0].number]["score"] is None


def test_a_process_that_dies_is_one_failed_trial(own):
    found = searched(replace(PLAN, algorithms="Dies,LogisticRegression", trials=3), width=2)
    states = {one.configuration.algorithm: one.state for one in found.trials}
    assert states == {"LogisticRegression": "complete", "Dies": "failed"}
    # Which of the folds that are fitted side by side dies first is chance.
    reasons = {one.reason.partition(": ")[2] for one in found.trials if one.state == "failed"}
    assert reasons == {"the process that fitted it was killed by signal 9, as happens when memory runs out"}


def test_a_search_without_any_complete_trial_says_so_in_one_sentence(own):
    with pytest.raises(BadInput, match=r"^2 trials of the search failed.*Fails.*it did not converge\. Use"):
        searched(replace(PLAN, algorithms="Fails", trials=2))


@pytest.mark.parametrize("width", [1, 2])
def test_a_search_stops_when_its_time_is_over_but_not_before_one_trial_is_complete(own, width):
    plan = replace(PLAN, algorithms="Slow", trials=50, seconds=1, folds=2)
    found = searched(plan, width=width, settings=DEFAULTS_FIRST)
    assert found.stopped == "time"
    assert found.complete
    assert found.trials[0].state == "complete", "its two folds take a second each"
    assert len(found.trials) < 10
    reasons = {one.reason for one in found.trials if one.state != "complete"}
    assert reasons <= {"the time was over", "it would not have ended in time"}


def test_what_was_good_before_comes_first_if_it_still_can():
    warm = [
        Configuration("Gone", {}, "warm"),
        Configuration("LogisticRegression", {"C": "1e9"}, "warm"),
        Configuration("LogisticRegression", {"penalty": "l1"}, "warm"),
        Configuration("LogisticRegression", {"C": "0.25"}, "warm"),
        Configuration("NaiveBayes", {"var_smoothing": "0.5"}, "warm"),
        Configuration("NaiveBayes", {"var_smoothing": "0.25"}, "warm"),
    ]
    plan = replace(PLAN, algorithms=LINEAR, trials=6)
    found = searched(plan, warm=warm, settings=DEFAULTS_FIRST)
    assert [one.configuration for one in found.trials[:2]] == [warm[3], warm[4]], "a third of the trials"
    assert [one.configuration.source for one in found.trials[2:]].count("default") == 2


@pytest.mark.parametrize("trials", [len(ALGORITHMS) + more for more in (0, 1, 2, 6)])
@pytest.mark.parametrize("of", [["LightGBM"] * 4, ["XGBoost", "LightGBM", "XGBoost"], ["NaiveBayes"], []])
def test_every_algorithm_competes_whatever_was_good_before(trials, of):
    warm = [
        Configuration(
            name, {"learning_rate": str(0.02 + number / 100)} if name != "NaiveBayes" else {}, "warm"
        )
        for number, name in enumerate(of)
    ]
    what = tuple(ALGORITHMS), "classification", trials, 7, "random", warm, portfolio("classification")
    proposals = Proposals(*what)
    asked = [proposals.ask() for _ in range(trials)]
    assert {one.algorithm for one in asked} == set(ALGORITHMS)
    taken = [one.algorithm for one in asked if one.source == "warm"]
    assert taken[:1] == of[:1]
    assert len(taken) <= trials // 3


def test_lines_say_what_was_found_and_how_far_the_search_is(own):
    lines = []
    plan = replace(PLAN, algorithms=f"{LINEAR},Fails", trials=3)
    searched(plan, say=lines.append, settings=DEFAULTS_FIRST)
    assert lines[0].startswith("trial 0, LogisticRegression, default: neg_log_loss -")
    assert lines[0].endswith("s left)")
    assert lines[1].startswith("progress: 1 of 3 trials, best -")
    assert any(line.startswith("trial 2, Fails, default: failed: fold 1: it did not conv") for line in lines)
    assert lines[-1].startswith("progress: 3 of 3 trials, 1 failed, best -")


def test_given_folds_are_used_and_the_answers_are_in_the_order_of_the_rows():
    frame, target, schema = table()
    folds = [Fold(np.arange(60), np.arange(70, 90)), Fold(np.arange(60), np.arange(90, 120))]
    found = search(frame, target, schema, None, replace(PLAN, algorithms=LINEAR, trials=2), folds=folds)
    assert found.out_of_fold.shape == (120, 2)
    assert np.isnan(found.out_of_fold[:70]).all()
    np.testing.assert_allclose(found.out_of_fold[70:].sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_array_equal(found.out_of_fold[90:], found.answers[1])
    assert len(found.best.scores) == 2


def test_too_few_rows_of_a_class_are_refused_before_anything_is_fitted():
    frame, target, schema = table()
    target = np.where(np.arange(len(target)) < 2, 1 - target[0], target[0])
    with pytest.raises(BadInput, match="The rarest class has 2 training rows, fewer than the 3 folds"):
        search(frame, target, schema, None, PLAN)


def test_an_unknown_algorithm_is_refused():
    with pytest.raises(BadInput, match="Did you mean 'NaiveBayes'"):
        searched(replace(PLAN, algorithms="NaiveBaies"))


def test_a_search_of_one_process_starts_no_other(monkeypatch):
    monkeypatch.setattr(os, "fork", lambda: pytest.fail("it forked"))
    assert searched(replace(PLAN, algorithms=LINEAR, trials=2)).complete


def test_the_search_leaves_the_number_of_threads_as_it_was(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS")
    searched(replace(PLAN, algorithms=LINEAR, trials=1), width=2)
    assert "OMP_NUM_THREADS" not in os.environ


def test_a_checkpoint_has_a_file_for_each_trial_which_is_never_renamed_or_deleted(tmp_path, monkeypatch):
    def refuse(*paths: object, **_how: object) -> None:
        raise AssertionError(f"S3 would have to follow {paths}, and the job may not delete there")

    for name in ("rename", "replace", "remove", "unlink"):
        monkeypatch.setattr(os, name, refuse)
    plan = replace(PLAN, algorithms=LINEAR, trials=2)
    first = searched(plan, checkpoint=tmp_path)
    files = sorted(one.relative_to(tmp_path) for one in tmp_path.rglob("*") if one.is_file())
    assert [one.name for one in files] == ["trial-0000.npz", "trial-0001.npz"]
    again = searched(plan, checkpoint=tmp_path)
    assert again.seconds >= first.trials[0].seconds, "the time of the earlier run counts"


def test_a_search_goes_on_without_a_checkpoint_if_the_disk_is_full(tmp_path):
    plan = replace(PLAN, algorithms=LINEAR, trials=3)
    searched(plan, checkpoint=tmp_path)
    (folder,) = tmp_path.iterdir()
    for number in (1, 2):
        (folder / f"trial-{number:04}.npz").unlink()
        (folder / f"trial-{number:04}.npz").symlink_to("/dev/full")
    said: list[str] = []
    found = searched(plan, checkpoint=tmp_path, say=said.append)
    assert len(found.complete) == 3
    assert sum("from the checkpoint" in one for one in said) == 1, "what was kept before is taken"
    (warned,) = (one for one in said if one.startswith("the checkpoint cannot be written"))
    assert "(No space left on device)" in warned


def test_files_are_kept_as_a_whole_or_not_at_all(tmp_path: Path):
    kept = {"a": tmp_path / "a", "b": tmp_path / "b"}
    for name, file in kept.items():
        file.write_bytes(name.encode() * 1000)
    keep_files(tmp_path / "kept.zip", kept)
    taken = {name: tmp_path / f"again-{name}" for name in kept}
    assert take_files(tmp_path / "kept.zip", taken)
    assert [file.read_bytes() for file in taken.values()] == [b"a" * 1000, b"b" * 1000]
    whole = (tmp_path / "kept.zip").read_bytes()
    for length in (0, 10, len(whole) - 1):
        (tmp_path / "kept.zip").write_bytes(whole[:length])
        assert not take_files(tmp_path / "kept.zip", taken)
    (tmp_path / "kept.zip").write_bytes(whole.replace(b"bbb", b"bab", 1))
    assert not take_files(tmp_path / "kept.zip", {"b": tmp_path / "not-there"})
    assert not (tmp_path / "not-there").exists()
    assert not take_files(tmp_path / "never.zip", taken)


def test_a_checkpoint_whose_directory_has_a_wrong_byte_is_done_again_or_whole(tmp_path: Path):
    checkpoint = Checkpoint(tmp_path, "key")
    kept = Trial(0, Configuration("NaiveBayes", {}, "defaults"), [0.5], state="complete")
    checkpoint.save(kept, 1.0)
    (file,) = checkpoint.folder.iterdir()
    whole = file.read_bytes()
    for place in range(whole.index(b"PK\x01\x02"), len(whole)):
        for bit in (1, 64):  # of a flag, encrypted or strongly so; of an offset, a place before the file
            file.write_bytes(whole[:place] + bytes([whole[place] ^ bit]) + whole[place + 1 :])
            found = checkpoint.load(0, kept.configuration)
            assert found is None or (found.scores, found.state) == ([0.5], "complete"), place
    file.write_bytes(whole)
    assert checkpoint.load(0, kept.configuration).scores == [0.5]
