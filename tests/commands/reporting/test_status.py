"""The page of all models and its command: safe to open, of one file, and readable without a mouse or eyes."""

import json
from pathlib import Path

import jsonschema
import pytest
from support import ROOT
from support.helpers import headless
from support.helpers.documents.statuses import full_of, many
from support.helpers.pages import Read

from commands.reporting.status import COLUMNS, headline, render, short
from helpers.session import Session

FORM = json.loads((ROOT / "docs/schemas/status.schema.json").read_text())
HOSTILE = "<script>alert(1)</script> a \"sentence\" with 'quotes' & <img src=x onerror=alert(2)>"


def test_names_and_columns_cannot_bring_anything_into_the_page() -> None:
    hostile, plain = Read(render(full_of(HOSTILE))), Read(render(full_of("plain")))
    assert [(tag, list(found)) for tag, found in hostile.tags] == [
        (tag, list(found)) for tag, found in plain.tags
    ], "no tag and no attribute that a plain name does not bring"
    assert hostile.text.count(HOSTILE) == plain.text.count("plain") > 100
    assert hostile.values("a", "href") == ["status.json"]


def test_a_command_in_a_sentence_is_shown_as_one() -> None:
    document = many(1)
    document["sources"]["monitoring"] = "None yet; `many-models <b>` runs one."
    assert "<p>None yet; <code>many-models &lt;b&gt;</code> runs one.</p>" in render(document)


def test_a_version_that_waits_comes_with_the_command_that_approves_it() -> None:
    document = many(1)
    (row,) = document["models"]
    command = "many-models run FILE --only 04 -p APPROVE"
    row["waiting"] = None
    assert command not in short(document) and command not in Read(render(document)).text
    row["waiting"] = {"version": 7, "since": "2026-11-27T00:00:00.000Z"}
    approve = f"{command} '{{{row['data_set']}: {{7: approve}}}}'"
    assert approve in short(document) and approve in Read(render(document)).text


def test_it_needs_no_other_file_no_server_and_no_network() -> None:
    page = Read(render(many(30)))
    assert not {"link", "img", "iframe", "form"} & {tag for tag, _ in page.tags}
    assert not page.values("script", "src")
    assert not [text for text in ("url(", "@import", "http://", "https://", "fetch(") if text in page.text]


def test_rows_are_in_the_order_of_the_document_and_every_cell_has_a_head() -> None:
    document = many(30)
    page = Read(render(document))
    head, *rows = page.cells
    assert [cell.strip() for cell in head] == [name for name, _ in COLUMNS]
    assert [row[1].strip() for row in rows] == [row["data_set"] for row in document["models"]]
    assert {len(row) for row in rows} == {len(COLUMNS)}
    assert page.values("th", "scope") == ["col"] * len(COLUMNS) + ["row"] * 30
    assert page.values("th", "aria-sort") == ["ascending"]
    assert [name for name, found in page.tags if "onclick" in found] == []
    assert page.values("html", "lang") == ["en"]
    assert page.values("input", "aria-label") == ["Search models"]


def test_one_row_is_told_in_the_singular() -> None:
    document = many(1)
    document["models"][0]["requests"]["day"]["rows"] = 1
    assert ">1 row<" in render(document)


def test_a_column_sorts_by_numbers_and_not_by_what_is_written() -> None:
    document = many(30)
    values = Read(render(document)).values("td", "data-value")
    width = len(values) // 30
    requests = [name for name, _ in COLUMNS if name not in ("model", "what to look at")].index("requests")
    assert [float(value) for value in values[requests::width]] == [
        row["requests"]["day"]["requests"] for row in document["models"] if row["requests"]
    ]


def test_without_prices_there_is_no_column_for_them() -> None:
    document = many(3)
    for row in document["models"]:
        row["cost"] = None
    assert Read(render(document)).cells[0][-1].strip() == "waiting"
    assert "cost" not in Read(render(document)).text.lower()


def test_three_models_need_no_search_and_a_thousand_are_counted_by_state() -> None:
    assert Read(render(many(3))).values("input", "type") == []
    document = many(1000)
    text = render(document)
    assert len(text.encode()) < 2_500_000, "it can be mailed"
    page = Read(text)
    totals = {state: document["totals"][state] for state in page.values("button", "data-state")}
    assert sum(totals.values()) == 1000
    assert all(totals.values())
    assert headline(document).startswith("many-models: 1,000 models, 1,000 in service; ")


def test_without_models_the_page_says_what_makes_some() -> None:
    document = many(0)
    assert "No model has been registered yet" in render(document)
    assert short(document).splitlines()[0] == "many-models: 0 models, 0 in service."


def test_the_terminal_shows_the_worst_and_counts_the_others() -> None:
    document = many(100)
    document["sources"]["monitoring"] = "No check has run."
    told = short(document).split("\n\n")
    (_, said), (head, *rows, rest) = (part.splitlines() for part in told[:2])
    assert said == "No check has run."
    assert head.split()[:3] == ["model", "state", "version"]
    assert [row.split()[0] for row in rows] == [row["data_set"] for row in document["models"][:20]]
    assert rest == "... and 80 more; the page has all of them."


def test_the_same_is_printed_kept_in_a_folder_and_put_into_the_bucket(
    session: Session, tmp_path: Path
) -> None:
    done = headless.here(
        "status", str(ROOT / "parameters/local.yaml"), "--out", str(tmp_path / "new"), "--json"
    )
    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads(done.stdout)
    jsonschema.validate(document, FORM)
    for name in ("status.json", "index.html"):
        kept = (tmp_path / "new" / name).read_bytes()
        put = session.client("s3").get_object(Bucket=session.bucket, Key=f"monitoring/status/{name}")
        assert put["Body"].read() == kept
        assert put["ContentType"] == {"status.json": "application/json"}.get(name, "text/html; charset=utf-8")
    assert json.loads((tmp_path / "new/status.json").read_text()) == document


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--env", "dev", str(ROOT / "parameters/aws.yaml")), "--env is not allowed with FILE or -p"),
        (("absent.yaml",), "absent.yaml"),
        (("--env", "absent"), "absent"),
        (("--out", str(ROOT / "README.md")), "README.md cannot be used"),
    ],
)
def test_what_cannot_be_meant_is_said_in_a_sentence(arguments: tuple[str, ...], said: str) -> None:
    done = headless.here("status", *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
