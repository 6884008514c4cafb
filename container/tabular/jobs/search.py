"""SearchAndRefit: all trials of a table in one training job, and the best of them fitted on all rows."""

import json
import os
import time
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from tabular.jobs.command import command
from tabular.jobs.fleet import is_fleet, search_fleet
from tabular.jobs.model_files import FITS, Chosen, good_before, read_training_split, write_model
from tabular.judging.champion import fetch_champion
from tabular.searching.running.cores import cores
from tabular.searching.search import Search, search
from tabular.searching.whole_table import for_all_rows
from tabular.spec import opt_ml
from tabular.spec.documents.searches import SEARCH_FILE, SearchReport
from tabular.spec.search import Plan
from tabular.spec.trial import rounds_line, score_line

__all__ = ["main"]


def main() -> None:
    """Write the model and search.json to model.tar.gz, and search.json and the pipeline to output.tar.gz.

    For a table with partitions, see `tabular.jobs.fleet`.

    Raises:
        BadInput: if a name in the plan is unknown, there are too few rows for the folds, or all trials fail.
    """
    started = time.perf_counter()
    plan = Plan.from_hyperparameters(opt_ml.hyperparameters())
    if is_fleet(opt_ml.channel("train")):
        search_fleet(plan, cores(), started)
        return
    split = read_training_split()
    champion = fetch_champion(plan.models_map_uri, plan.group) if plan.models_map_uri else None
    warm = [] if champion is None else list(good_before(champion, split.schema.family))
    if warm:
        print(f"{len(warm)} configurations of version {champion.version}, in service, may be tried first")
    how = {"warm": warm, "checkpoint": _checkpoints(), "width": cores(), "say": partial(print, flush=True)}
    found = search(*split, plan, **how, started=started, fits=FITS)
    members = for_all_rows(found, *split, say=print)
    report = found.report(champion.version if champion is not None and warm else None)
    cross_validation = found.cross_validation(os.environ.get("TRAINING_JOB_NAME", ""))
    chosen = [Chosen.of(one, weight) for one, weight in members]
    text = json.dumps(report, indent=1, allow_nan=False)
    said = write_model(split, chosen, plan.random_state, cross_validation, {SEARCH_FILE: text.encode()})
    (opt_ml.output_data_dir() / SEARCH_FILE).write_text(text)
    for line in _summary(found, report):
        print(line)
    print(said)
    if len(chosen) == 1 and chosen[0].rounds is not None:
        print(rounds_line(chosen[0].rounds))
    print(score_line(found.score), flush=True)


def _checkpoints() -> Path | None:
    """The folder that SageMaker copies to S3 while the job works; None if it was not asked to."""
    folder = opt_ml.base_dir() / "checkpoints"
    return folder if folder.is_dir() else None


def _summary(found: Search, report: SearchReport) -> Iterable[str]:
    """The best trial of each algorithm, and what became of the ensemble."""
    for algorithm in found.plan.names:
        of = [one for one in found.complete if one.configuration.algorithm == algorithm]
        best = max((one.score for one in of), default=None)
        score = "no complete trial" if best is None else f"{found.plan.scorer} {best:.6g}"
        yield f"{algorithm}: {score}"
    if report["ensemble"] is not None:
        chosen = "chosen" if report["ensemble"]["chosen"] else "not chosen"
        yield f"ensemble of {len(report['ensemble']['members'])} {chosen}: {report['ensemble']['reason']}"
    why = "the time is over" if found.stopped == "time" else "all trials have ended"
    yield f"{len(found.trials)} trials in {found.seconds:.0f} s; {why}"


if __name__ == "__main__":
    command(main)
