"""EvaluateBestModel for a table with partitions: which model serves each, and whether the fleet may."""

import json
import os
import shutil
from collections.abc import Collection
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from support.container.documents import faults
from support.container.jobs import BIN, give_hyperparameters
from tabular.data.splits.files import write_split
from tabular.data.splits.partitions import Partitions
from tabular.data.splits.shards import write_partitions, write_shards
from tabular.fleets.assembling.assemble import worse_than_pooled
from tabular.fleets.keeping import shown_worse, verdict
from tabular.fleets.unchanged import Before
from tabular.jobs import evaluate, search
from tabular.judging.agreement import as_model_input
from tabular.monitoring.baseline import distributions
from tabular.portable.files import load_model
from tabular.portable.fleet import FleetModel
from tabular.spec.columns import Column, Schema
from tabular.spec.documents.reports import Report
from tabular.spec.opt_ml import extract, pack
from tabular.spec.options import Options
from tabular.spec.search import Plan

from lambdas.deployer.artifacts import check

MAP_KEY = "models-map.json"
GROUP = "shop--stores"
ROWS = (240, 240, 48, *[32] * 9)
TURNED = (0,)
YOUNG = 2  # the store most of whose rows are held out: it has too few for a model of its own
OTHER = 1  # the store that sells what the others do not
PLAN = Plan(
    "LogisticRegression,NaiveBayes",
    2,
    "neg_log_loss",
    2,
    7,
    ensemble="false",
    models_map_uri=f"s3://jobs/{MAP_KEY}",
    group=GROUP,
)
NAMES = tuple(f"store {place:02d}" for place in range(len(ROWS)))
COLUMNS = (Column("store", "categorical"), Column("size", "numeric"))
# The table has the stores twice, and models of one store have them not at all.
COPIES = {"others": ("store.1",), "copies": {"store.1": "store"}}
SCHEMA = Schema("binary", "sold", ("no", "yes"), COLUMNS, Options(partition=("store",)), **COPIES)


@pytest.fixture
def searched(base, run_module):
    """Search a fleet of twelve stores, and give EvaluateBestModel what it left.

    The training rows of the stores `wrong` are turned. The plan names what is in service, if anything is.
    """

    def run(
        wrong: Collection[int] = (), schema: Schema = SCHEMA, plan: Plan = PLAN, groups: int = 0
    ) -> tuple[pd.DataFrame, dict[str, Any]]:
        draw = np.random.default_rng(3)
        number = np.repeat(np.arange(len(ROWS)), ROWS)
        place = np.concatenate([np.arange(rows) for rows in ROWS])
        is_test = np.where(number == YOUNG, place % 8 > 0, place % 4 == 0)
        size = draw.normal(size=len(number))
        leaning = np.where(number == OTHER, -3 * size, 3 * size) + draw.normal(size=len(number))
        target = (leaning > 0).astype(np.int64) if schema.classes else leaning
        learned = np.where(np.isin(number, list(wrong)) & ~is_test, 1 - target, target)
        frame = pd.DataFrame({"store": np.array(NAMES, dtype=object)[number], "size": size})
        held_out = np.bincount(number[is_test], minlength=len(ROWS))
        for folder in ("input", "processing", "model", "models", "output", "pipeline"):
            shutil.rmtree(base / folder, ignore_errors=True)
        partitions = write_shards(
            base / "input/data/train",
            frame,
            learned,
            schema,
            Partitions(("store",), tuple((name,) for name in NAMES), number),
            np.flatnonzero(~is_test),
            held_out,
            [f"{'turned' if place in wrong else 'rows'} {place}" for place in range(len(ROWS))],
            place // groups if groups else None,
        )
        give_hyperparameters(base, **plan.to_hyperparameters(), sagemaker_program="tabular.jobs.search")
        run_module(search.main)
        about = json.loads((base / "output/data/fleet-search-algo-1.json").read_text())
        pack(base / "model", base / "processing/input/model/model.tar.gz")
        pack(base / "output/data", base / "processing/input/pipeline/output.tar.gz")
        test = base / "processing/input/test"
        rows = frame[is_test].reset_index(drop=True)
        write_split(test, rows, target[is_test], schema, training=distributions(frame, schema))
        write_partitions(test, partitions)
        return rows, about

    return run


@pytest.fixture
def judged(as_a_job, base, run_module, monkeypatch):
    """Run EvaluateBestModel in this process; gives its report and the table of partitions."""
    monkeypatch.setenv("PATH", f"{BIN}{os.pathsep}{os.environ['PATH']}")

    def run(metric="auc"):
        run_module(
            evaluate.main, metric=metric, threshold="0.6", models_map_uri=f"s3://jobs/{MAP_KEY}", group=GROUP
        )
        output = base / "processing/output/evaluation"
        report = json.loads((output / "evaluation.json").read_text())
        assert faults(report, Report) == []
        return report, json.loads((output / "fleet.json").read_text())["partitions"]

    yield run
    as_a_job.s3.delete_object(Bucket="jobs", Key=MAP_KEY)


def put_in_service(aws, base):
    archive = base / "processing/output/model/model.tar.gz"
    aws.s3.upload_file(str(archive), "jobs", "models/fleet.tar.gz")
    entry = {"key": "models/fleet.tar.gz", "version": 4, "sha256": "", "approved_at": ""}
    aws.s3.put_object(Bucket="jobs", Key=MAP_KEY, Body=json.dumps({GROUP: entry}).encode())


def deployable(archive):
    """The manifest of an artifact that the deployer takes."""
    with archive.open("rb") as file:
        return check(file, archive.name)


def test_a_fleet_is_judged_and_then_defended_by_its_partitions(aws, base, searched, judged, tmp_path, capsys):
    rows, about = searched()
    assert (about["partitions"], about["taken_over"], about["unfinished"]) == (12, 0, 0)
    report, every = judged()
    fleet = report["fleet"]
    assert (fleet["partitions"], fleet["own"] + fleet["pooled"], fleet["kept"]) == (12, 12, 0)
    assert every["served_by"][OTHER] == "own"
    assert "smaller by" in every["reason"][OTHER]
    assert report["gate"]["threshold_margin"] > 0.2
    assert report["model"]["algorithm"] == "Fleet"
    assert report["agreement"]["rows"] == len(rows)
    assert fleet["own_against_pooled"]["own_loss"] < fleet["own_against_pooled"]["pooled_loss"]
    assert len(fleet["worst"]) == len(fleet["smallest"]) == 12
    page = (base / "processing/output/evaluation/report.html").read_text()
    assert f"{fleet['own']} of the 12 partitions of store are served by a model of their own" in page
    # The artifact is the fleet, its sample is what it predicts, and its digest the one in the report.
    archive = base / "processing/output/model/model.tar.gz"
    model = load_model(extract(archive, tmp_path / "first"))
    assert deployable(archive)["fleet"] == {"partition": ["store"], "partitions": 12}
    assert isinstance(model, FleetModel)
    sample = json.loads((tmp_path / "first/manifest.json").read_text())["sample"]
    frame = pd.DataFrame(sample["instances"]).astype({"size": float})
    assert model.predict(*as_model_input(frame, SCHEMA)).labels == sample["predictions"]
    first = model.predict(*as_model_input(rows, SCHEMA))
    put_in_service(aws, base)

    # Once more: the same rows give the same fleet without a search, which is not registered again.
    _, about = searched()
    assert about["taken_over"] == 12
    report, every = judged()
    assert report["gate"]["same_model"] is True
    assert (report["fleet"]["kept"], report["fleet"]["taken_over"]) == (0, 12)
    assert "are those of version 4" in every["reason"][OTHER]
    assert every["champion_loss"] == pytest.approx(every["loss"])

    # With another seed, nothing is taken over.
    assert searched(plan=replace(PLAN, random_state=8))[1]["taken_over"] == 0
    assert "random_state was 7 and is 8" in capsys.readouterr().out

    # The rows of a large store were turned, which makes its own model and the pooled one worse: it keeps its
    # own, and one with enough rows to show it keeps the pooled model that serves it.
    _, about = searched(wrong=TURNED)
    assert about["taken_over"] == 11
    report, every = judged()
    assert every["origin"] == ["kept" if place in (0, YOUNG) else "taken over" for place in range(12)]
    assert (every["served_by"][0], every["served_by"][YOUNG]) == ("own", "pooled")
    assert "the new one's is larger by at least" in every["reason"][YOUNG]
    assert every["pooled_loss"][YOUNG] > every["loss"][YOUNG] + 0.1
    assert every["champion_loss"][0] == pytest.approx(every["loss"][0])
    assert "and the champion's is" in every["reason"][0]
    assert report["fleet"]["kept"] == sum(one == "kept" for one in every["origin"])
    assert report["gate"]["champion_version"] == 4
    model = load_model(extract(archive, tmp_path / "second"))
    deployable(archive)
    assert [model.document((NAMES[place],))["kept_from"] for place in (0, YOUNG)] == [4, 4]
    second = model.predict(*as_model_input(rows, SCHEMA))
    assert [model.served_by((name,)) for name in NAMES[:3]] == ["own", "own", "former"]
    of_other = rows["store"].isin(NAMES[:3]).to_numpy()
    assert np.array_equal(first.probabilities[of_other], second.probabilities[of_other])
    # A search for changed rows may begin with what serves them now, if that is a model of their own.
    begins = [
        [one.algorithm for one in Before(4, model, "classification", "").good({"key": [name]})]
        for name in NAMES[: YOUNG + 1]
    ]
    own = [[model.document((name,))["algorithm"]] for name in NAMES[:YOUNG]]
    assert begins == [*own, []]
    # What the kept model has learned counts as learned by the fleet, also by the next one, for which the same
    # rows need no search, though its model has learned others.
    learned = (tmp_path / "second/rows.bin").read_bytes()
    put_in_service(aws, base)
    assert searched(wrong=TURNED)[1]["taken_over"] == 12
    report, _ = judged()
    assert report["gate"]["same_model"] is True
    assert (extract(archive, tmp_path / "third") / "rows.bin").read_bytes() == learned


def test_a_search_without_time_takes_no_model_away(aws, base, searched, judged, monkeypatch, tmp_path):
    """A store with too few held-out rows for a comparison keeps its model, and is searched again."""
    monkeypatch.setattr("tabular.fleets.keeping.FEWEST_ROWS", 1000)
    archive = base / "processing/output/model/model.tar.gz"
    rows, _ = searched()
    judged()
    before = load_model(extract(archive, tmp_path / "first"))
    own = [before.own((name,)) is not None for name in NAMES]
    assert own[OTHER]
    put_in_service(aws, base)
    with monkeypatch.context() as patched:
        patched.setattr("tabular.jobs.fleet.OWN_SHARE", 1e-9)
        searched(plan=replace(PLAN, seconds=1, random_state=8))
    report, every = judged()
    assert [one == "own" for one in every["served_by"]] == own
    assert every["origin"][OTHER] == "kept"
    assert every["reason"][OTHER].startswith(
        "The time of the search was over before it was its turn; it has "
    )
    assert every["reason"][OTHER].endswith("so the champion stays")
    after = load_model(extract(archive, tmp_path / "second"))
    of_other = rows[rows["store"] == NAMES[OTHER]]
    answers = [model.predict(*as_model_input(of_other, SCHEMA)).probabilities for model in (before, after)]
    assert np.array_equal(*answers)
    assert report["fleet"]["unfinished"] == sum(
        after.document((name,)).get("unfinished", 0) for name in NAMES
    )
    assert not Before(5, after, "classification", "").takes({"key": [NAMES[OTHER]], "sha256": "rows 1"})
    put_in_service(aws, base)
    assert searched(plan=replace(PLAN, random_state=8))[1]["unfinished"] == 0
    _, every = judged()
    assert every["origin"][OTHER] == "new"


def test_a_fleet_that_predicts_numbers_and_has_groups_is_judged_like_one_of_classes(searched, judged):
    schema = Schema("regression", "sold", (), COLUMNS, Options(partition=("store",)))
    plan = replace(PLAN, algorithms="LightGBM", trials=1, scorer="neg_mean_squared_error", folds=2)
    searched(schema=schema, plan=plan, groups=4)
    report, every = judged("r2")
    assert every["served_by"][OTHER] == "own"
    assert every["loss"][OTHER] < every["pooled_loss"][OTHER]
    assert report["fleet"]["quantiles"] == sorted(report["fleet"]["quantiles"])
    assert report["fleet"]["worst"][0]["metric"] == report["fleet"]["quantiles"][0]
    assert report["agreement"]["largest_difference"] < 1e-6


def test_a_model_of_the_whole_table_in_service_is_compared_as_a_whole(aws, base, searched, judged):
    searched()
    archive = base / "processing/output/model/model.tar.gz"
    pack(base / "model/pooled", archive)
    put_in_service(aws, base)
    report, every = judged()
    assert "is one model of the whole table, so no partition keeps" in report["fleet"]["champion"]
    assert report["gate"]["champion_version"] == 4
    assert report["gate"]["champion_margin"] > 0
    assert set(every["origin"]) == {"new"}


def test_own_models_that_are_worse_beyond_noise_serve_nothing():
    draw = np.random.default_rng(2)
    partition, noise = np.repeat(np.arange(20), 10), draw.normal(scale=0.05, size=200)
    said = worse_than_pooled(0.5 + noise, np.full(200, 0.4), partition)
    assert said.startswith("the own models of 20 partitions have a loss of")
    assert worse_than_pooled(0.4 + noise, np.full(200, 0.4), partition) is None
    # The rows of a partition are not independent of each other.
    together = np.repeat(draw.normal(size=20), 10)
    assert worse_than_pooled(0.5 + together, np.full(200, 0.4), partition) is None


@pytest.mark.parametrize(("worse", "kept"), [(0.0, False), (0.02, False), (0.3, True)])
def test_a_partition_keeps_its_model_if_the_new_one_may_lose_more_than_the_margin(worse, kept):
    theirs = np.random.default_rng(1).uniform(0.2, 0.4, 100)
    said = verdict(theirs + worse, theirs, np.full(100, 0.8), 0.05, 0.95)
    assert said.keep is kept


def test_a_pooled_model_is_kept_only_where_the_new_one_is_shown_to_be_worse():
    theirs = np.random.default_rng(1).uniform(0.2, 0.4, 100)
    noise = np.random.default_rng(2).normal(0, 0.2, 100)
    assert not shown_worse(theirs + noise, theirs, 0.95).keep
    assert not shown_worse(theirs - 0.1, theirs, 0.95).keep
    assert not shown_worse(theirs.copy(), theirs, 0.95).keep
    assert not shown_worse(theirs[:29] + 0.1, theirs[:29], 0.95).keep
    said = shown_worse(theirs + 0.1 + noise, theirs, 0.95)
    assert said.keep
    assert "with 95% confidence the new one's is larger by at least 0.0" in said.reason


def test_a_partition_with_few_rows_gets_the_new_model():
    said = verdict(np.full(29, 9.0), np.full(29, 0.1), np.full(29, 0.7), 0.05, 0.95)
    assert (said.keep, said.reason[:25]) == (False, "it has 29 held-out rows t")
