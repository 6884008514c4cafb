"""The page of a run: outcomes first, the worst on top, safe to open, and of one file."""

import re
from pathlib import Path
from typing import Any

import pytest
from support.helpers.documents.searched import report
from support.helpers.documents.summaries import ended, judged
from support.helpers.pages import Read

from commands.reporting.page import FILE, Page, render
from helpers.runs import summary
from helpers.runs.searches import of_report
from helpers.runs.summary import Summary

HOSTILE = "<img src=x onerror=alert(1)>\"'</script><script>alert(2)</script>"


def test_forecast_and_bill_are_on_the_page_of_the_run_and_of_each_table() -> None:
    step = {"billable_seconds": {"low": 10, "high": 90}, "dollars": {"low": 0.02, "high": 0.2}, "jobs": 9}
    forecast = {**step, "seconds": {"low": 300, "high": 900}, "steps": {}}
    billed = {"jobs": 9, "billable_seconds": 50.0, "saved_seconds": 120.0, "dollars": 0.11, "steps": {}}
    document = ended(a=judged("kept", billable_seconds=50.0, billed=billed, forecast=forecast))
    earlier = {"runs": 3, "within": 2, "error": 0.4}
    document["cost"].update(billable_seconds=50.0, dollars=0.11, saved_seconds=120.0, cap=2.5)
    document["cost"].update(forecast=forecast, earlier=earlier)  # type: ignore[typeddict-item]
    page = " ".join(Read(render(document)).text.split())
    assert page.count("50 s, 0.11 dollars; spot capacity saved 2 min") == 2
    told = "up to 9 jobs, 10 to 90 s of instances, 0.02 to 0.20 dollars; takes 5 to 15 min"
    assert page.count(told) == 2
    assert re.search("MAX_COST_USD ?2.5", page)
    assert "Of 3 earlier runs, 2 billed the seconds that had been forecast" in page


def test_the_worst_outcomes_are_on_top_and_before_others_what_awaits_a_decision() -> None:
    tables = {
        "a": judged("kept"),
        "b": judged("registered", version=2, awaits_decision=False, decision="approve"),
        "c": judged("registered", version=3, awaits_decision=True),
        "d": summary.data_set("not yet"),
        "e": judged("refused"),
        "f": summary.data_set("broken", "failed"),
    }
    document = ended("failed", 1, **tables)
    page = Read(render(document))
    names = [row[1].strip() for row in page.cells[1 : len(tables) + 1]]
    assert names == ["f", "e", "d", "c", "b", "a"]
    assert page.text.index(
        "6 tables: 1 failed, 1 refused, 1 not started, 2 registered, 1 kept."
    ) < page.text.index("broken")
    assert "1 version awaits a decision." in page.text
    assert "many-models run FILE --only 04 -p APPROVE '{c: {3: approve}}'" in page.text
    document["status"] = "running"  # and notebook 04 may still decide
    assert "-p APPROVE" not in Read(render(document)).text


def test_a_failure_says_what_happened_what_to_do_and_where_its_log_is(tmp_path: Path) -> None:
    log = tmp_path / "a job.log"
    broken = summary.data_set(
        "Only 12 rows.", "failed", advice="Give more rows.", step="PreprocessData", log=str(log)
    )
    page = Read(render(ended("failed", 1, own=broken)))
    row = page.rows[1]
    assert " ".join(row.split()).startswith("failed own Only 12 rows. Give more rows. log more failed step")
    assert log.as_uri() in page.values("a", "href")


def test_a_log_in_cloudwatch_is_a_link_to_the_console_in_the_region_of_the_execution() -> None:
    broken = summary.data_set(
        "failed",
        "failed",
        log="CloudWatch /aws/sagemaker/TrainingJobs, job pipelines-abc",
        execution="arn:aws:sagemaker:eu-central-1:123456789012:pipeline/many-models/execution/x",
    )
    assert (
        "https://eu-central-1.console.aws.amazon.com/cloudwatch/home?region=eu-central-1#logsV2:log-groups/log-group/"
        "$252Faws$252Fsagemaker$252FTrainingJobs$3FlogStreamNameFilter$3Dpipelines-abc"
    ) in Read(render(ended(own=broken))).values("a", "href")


def test_it_links_to_the_notebooks_the_pages_about_models_and_the_summary() -> None:
    document = ended(
        wine=judged("registered", links={"evaluation": "s3://b/report.html", "page": "evaluations/wine.html"})
    )
    document["notebooks"]["03_run_and_inspect"].update(status="done", path="03_run_and_inspect.ipynb")
    page = Read(render(document))
    notebook = "03_run_and_inspect.ipynb"
    assert page.values("a", "href") == ["evaluations/wine.html", notebook, notebook, "summary.json"]
    assert "s3://b/report.html" in page.text
    rendered = Read(render(document, {"03_run_and_inspect.html"}))
    assert rendered.values("a", "href")[1:3] == ["03_run_and_inspect.html", notebook]


def test_it_links_to_the_page_of_all_models_if_there_is_one(tmp_path: Path) -> None:
    folder = tmp_path / "20261126-021500"
    folder.mkdir()
    Page(folder).write(ended())
    assert "many-models status writes a page of all models" in Read((folder / FILE).read_text()).text
    (tmp_path / "status").mkdir()
    (tmp_path / "status" / FILE).touch()
    Page(folder).write(ended())
    links = Read((folder / FILE).read_text()).values("a", "href")
    assert [(folder / link).resolve() for link in links if link.startswith("..")] == [
        tmp_path / "status" / FILE
    ]


def full_of(text: str) -> Summary:
    """The summary of a run in which everything that a person or a table can name is this text."""
    facts = dict.fromkeys(("advice", "step", "job", "log", "algorithm", "execution", "predictions"), text)
    links = {text: "javascript:alert(3)", "a": "data:text/html,x", "b": "//evil.example", "c": "../x y"}
    table = judged("failed", text, hyperparameters={text: text}, links=links, **facts)
    document = ended("failed", 1, **{text: table})
    document["notebooks"] = {text: {"status": "failed", "seconds": 1.0, "error": text, "path": None}}
    document.update(error=text, parameters={text: [text]}, notification={"to": text, "error": text})
    return document


def test_names_and_classes_cannot_bring_anything_into_the_page() -> None:
    hostile, plain = Read(render(full_of(HOSTILE))), Read(render(full_of("a-plain-name")))
    assert [(tag, list(found)) for tag, found in hostile.tags] == [
        (tag, list(found)) for tag, found in plain.tags
    ], "no tag and no attribute that a plain name does not bring"
    assert hostile.values("a", "href") == ["summary.json"]
    assert hostile.text.count("<img src=x") == plain.text.count("a-plain-name")


def test_it_needs_no_other_file_no_server_and_no_network() -> None:
    page = Read(render(ended(**{f"t{n}": judged("kept") for n in range(10)})))
    assert not {"link", "img", "iframe", "form"} & {tag for tag, _ in page.tags}
    assert not page.values("script", "src")
    assert "url(" not in page.text
    assert "@import" not in page.text


@pytest.mark.parametrize(("number", "tools"), [(3, []), (200, ["search"])])
def test_many_tables_can_be_searched_and_filtered(number: int, tools: list[str]) -> None:
    page = Read(render(ended(**{f"t{n}": judged("kept") for n in range(number)})))
    assert page.values("input", "type") == tools
    assert page.values("button", "data-state") == ["kept"] * len(tools)


def test_an_ensemble_and_how_it_was_searched_for_are_told_in_a_sentence() -> None:
    table = judged("registered", algorithm="Ensemble", search=of_report(report()).facts())
    page = Read(render(ended(wine=table)))
    assert "Ensemble of 2" in page.text
    assert (
        "6 trials, 1 pruned, 1 failed, in one job, beginning with those of version 3; the ensemble "
        "(75% NeuralNet, 25% LightGBM) was fitted: better than the best trial"
    ) in page.text


def test_what_serves_the_partitions_of_a_table_is_told_in_a_line() -> None:
    found = {"partitions": 1200, "own": 900, "pooled": 300, "kept": 41}
    found |= {"taken_over": 1100, "unfinished": 2}
    search = of_report(report()).facts()
    page = Read(render(ended(stores=judged("registered", algorithm="Fleet", fleet=found, search=search))))
    assert "Fleet of 1,200" in page.text
    assert "for the pooled model, 6 trials" in page.text
    assert (
        "1,200 partitions: 900 served by their own model, 300 by the pooled one; 41 keep what served them "
        "before, because the new model may be worse; 1,100 taken over without a search, because their rows "
        "have not changed; the search for 2 failed or had too little time"
    ) in page.text


def test_addresses_are_shown_without_their_signatures() -> None:
    document = ended(own=summary.data_set("https://host/t.csv?signature=SECRET is gone", "failed"))
    document["parameters"] = {"DATASETS": [{"uri": "https://host/t.csv?signature=SECRET"}]}
    page = render(document)
    assert "SECRET" not in page
    assert page.count("https://host/t.csv?...") == 2


def test_a_page_of_200_tables_can_be_mailed() -> None:
    steps = dict.fromkeys(("PreprocessData", "TuningWithCrossValidation", "RefitBestModel"), 1.5)
    page = render(ended(**{f"store-{n}": judged("registered", version=1, steps=steps) for n in range(200)}))
    assert len(page.encode()) < 400_000


def test_while_a_run_goes_on_its_page_takes_a_small_part_of_the_time_and_the_end_is_always_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(0, 1000, 1))  # each look at it takes a second, so a page does too
    monkeypatch.setattr("commands.reporting.page.time.monotonic", lambda: next(clock))
    page, document = Page(tmp_path), ended("running")
    page.write(document)
    for _ in range(40):
        document["data_sets"]["wine"] = judged("kept", "while it runs")
        page.write(document)
    assert "while it runs" not in (tmp_path / FILE).read_text()
    for _ in range(40):
        page.write(document)
    assert "while it runs" in (tmp_path / FILE).read_text()
    document["status"] = "done"
    page.write(document)
    assert "was done after 22 min" in (tmp_path / FILE).read_text()


@pytest.mark.parametrize(("status", "reloads"), [("running", 1), ("done", 0)])
def test_an_open_page_follows_a_run_that_goes_on_and_says_how_old_it_is(status: str, reloads: int) -> None:
    document = ended(status)
    document["updated"] = "2026-11-26T02:16:04.512Z"
    page = render(document)
    assert page.count("location.reload()") == reloads
    assert page.count("this is how it stood on 2026-11-26 at 02:16 UTC.") == reloads


def test_a_run_without_tables_has_a_page(tmp_path: Path) -> None:
    document: Any = ended("interrupted", 130)
    document["notification"] = {"to": "x", "error": "NOTIFY: x was not told."}
    page = Read(render(document))
    assert "was interrupted after 22 min." in page.text
    assert "NOTIFY: x was not told." in page.text
