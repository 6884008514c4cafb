"""Models of tables with dates predict as scikit-learn does, at no cost for tables without dates."""

import json

import numpy as np
import pandas as pd
import pytest
from support.container.tables import TASKS, dated, fit, fitted, mixed, nasty
from tabular.data.features import as_rows
from tabular.data.values import dates
from tabular.judging.agreement import as_model_input, check_equal
from tabular.portable.files import load_model, save_model
from tabular.portable.model import UnusableModel
from tabular.serving import codec
from tabular.serving.codec import BadRequest, decode
from tabular.spec.algorithms import ALGORITHMS

pytestmark = pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
NAMES = ["colour", "day", "size", "member", "moment", "income", "code"]
ROW = {"colour": "red", "day": "5.1.2024", "size": 1, "member": "no", "income": 2, "code": "c1"}


@pytest.fixture(scope="module")
def one():
    return fit(dated(), "LogisticRegression", "binary")


@pytest.mark.parametrize(("algorithm", "task"), [(name, task) for name in ALGORITHMS for task in TASKS])
def test_it_predicts_as_scikit_learn_does(algorithm, task, tmp_path):
    one = fit(dated(task), algorithm, task)
    assert one.schema.of_kind("date") == ["day", "moment"]
    check_equal(one.model, one.pipeline, one.frame, one.schema)
    check_equal(one.model, one.pipeline, nasty(one.frame), one.schema)
    (member,) = one.model.members
    ours = member.transform(member.features.inputs(*as_model_input(nasty(one.frame), one.schema)))
    np.testing.assert_array_equal(ours, one.pipeline.named_steps["features"].transform(nasty(one.frame)))
    save_model(tmp_path, one.manifest, one.arrays)
    check_equal(load_model(tmp_path), one.pipeline, one.frame, one.schema)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_date_alone_is_enough_and_may_be_empty(algorithm):
    one = fit(dated()[["day", "target"]], algorithm, "binary")
    check_equal(one.model, one.pipeline, one.frame.assign(day=np.nan), one.schema)


def test_the_month_is_learnt_from_a_date():
    table = dated(rows=400, gaps=False)
    table["target"] = np.where(pd.to_datetime(table["day"], dayfirst=True).dt.month % 2 == 0, "even", "odd")
    one = fit(table[["day", "target"]], "RandomForest", "binary", {"max_depth": "16"})
    labels = one.model.predict(*as_model_input(one.frame, one.schema)).labels
    assert np.mean([label == wanted for label, wanted in zip(labels, table["target"], strict=True)]) > 0.99


@pytest.fixture(params=["json", "json objects", "csv", "csv with header"])
def body(request):
    """Rows as a request of each shape."""

    def write(rows):
        if request.param.startswith("json"):
            named = [dict(zip(NAMES, row, strict=True)) for row in rows]
            return json.dumps(rows if request.param == "json" else named).encode(), "application/json"
        frame = pd.DataFrame(rows, columns=NAMES, dtype=object)
        return frame.to_csv(index=False, header=request.param != "csv").encode(), "text/csv"

    return write


@pytest.mark.parametrize("compiled", [True, False])
def test_rows_are_read_as_they_were_in_training(monkeypatch, one, body, compiled):
    if not compiled:
        monkeypatch.setattr(codec, "csv_rows", None)
    numbers, categories = decode(*body(as_rows(one.frame, one.schema)), one.model)
    expected = as_model_input(one.frame, one.schema)
    np.testing.assert_array_equal(numbers, expected[0])
    assert [list(levels) for levels in categories] == [list(levels) for levels in expected[1]]


@pytest.mark.parametrize("moment", [None, "2024-01-05", "2024-01-05 10:30", "2024-01-05T10:30:00.5+02:00"])
def test_iso_dates_may_have_any_precision(one, body, moment):
    numbers, _ = decode(*body([[{**ROW, "moment": moment}[name] for name in NAMES]]), one.model)
    assert numbers[0, -2] == 19727.0
    assert np.isnan(numbers[0, -1]) == (moment is None)


@pytest.mark.parametrize(
    ("column", "cell", "sentence"),
    [
        ("day", "2024/01/05", "Row 2, column 'day': '2024/01/05' is not a date such as 31.01.2024."),
        ("day", "31.02.2024", "Row 2, column 'day': '31.02.2024' is not a date such as"),
        ("moment", "soon", "Row 2, column 'moment': 'soon' is not a date such as 2024-01-31T10:30:00."),
        ("moment", 19727, "Row 2, column 'moment': '19727' is not a date such as"),
        ("moment", True, "Row 2, column 'moment': 'True' is not a date"),
    ],
)
def test_a_cell_that_is_no_date_of_the_format_answers_400_with_row_and_column(
    one, body, column, cell, sentence
):
    good = {**ROW, "moment": "2024-01-05"}
    rows = [[row[name] for name in NAMES] for row in (good, {**good, column: cell})]
    with pytest.raises(BadRequest, match=sentence) as refused:
        decode(*body(rows), one.model)
    assert refused.value.status == 400


@pytest.mark.parametrize("cell", [[1], {"a": 1}, 1e300, -1])
def test_a_cell_of_json_that_is_no_date_is_refused(one, cell):
    with pytest.raises(BadRequest, match=r"Row 1, column 'day': .* is not a date such as"):
        decode(json.dumps([{**ROW, "moment": None, "day": cell}]).encode(), "application/json", one.model)


def test_a_server_answers_rows_with_dates(server, one, tmp_path):
    save_model(tmp_path, one.manifest, one.arrays)
    assert server.load("dated", tmp_path).status == 200
    rows = as_rows(one.frame, one.schema)
    answer = server.invoke("dated", {"instances": rows}).json
    np.testing.assert_allclose(answer["probabilities"], one.pipeline.predict_proba(one.frame), rtol=1e-9)
    refused = server.invoke("dated", [[*rows[0][:1], "soon", *rows[0][2:]]])
    server.unload("dated")
    assert (refused.status, refused.json["error"][:20]) == (400, "Row 1, column 'day':")


def test_a_request_without_dates_does_nothing_for_them(monkeypatch):
    one = fitted("LogisticRegression", "binary")
    expected = one.model.predict(*as_model_input(one.frame, one.schema)).labels
    for name in ("date_parts", "day_number"):
        monkeypatch.setattr(dates, name, None)
    rows = mixed().drop(columns="target").to_csv(index=False).encode()
    model = one.model
    assert (model.dates, model.worded) == ([], model.booleans)
    assert model.predict(*decode(rows, "text/csv", model)).labels == expected


@pytest.mark.parametrize("form", ["%d", "", "no format at all", "%Q", 7, None, "%Y-%Y"])
def test_a_format_that_is_none_makes_no_model(one, tmp_path, form):
    columns = [
        {**column, "format": form} if column["kind"] == "date" else column
        for column in one.manifest["columns"]
    ]
    save_model(tmp_path, {**one.manifest, "columns": columns}, one.arrays)
    with pytest.raises(UnusableModel, match="A date has an unknown format"):
        load_model(tmp_path)


def test_a_date_without_a_format_makes_no_model(one, tmp_path):
    columns = [{name: column[name] for name in ("name", "kind")} for column in one.manifest["columns"]]
    save_model(tmp_path, {**one.manifest, "columns": columns}, one.arrays)
    with pytest.raises(UnusableModel, match="'format'"):
        load_model(tmp_path)
