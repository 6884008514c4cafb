"""What the invoker captures is read as the server reads it, columns that were left out excepted."""

import json

import numpy as np
import pandas as pd
import pytest
from support.container import streams
from tabular.monitoring.baseline import FORMAT, distribution, distributions, packed, unpacked
from tabular.monitoring.captured import Captured, table_of

from lambdas.invoker import capture
from lambdas.invoker.left_out import Table

ROWS = 60
COLUMNS = [column.name for column in streams.SCHEMA.columns]


@pytest.fixture(scope="module")
def known():
    return streams.baseline(np.random.default_rng(1))


def captured(known, content_type, body, answer_type, answer, left_out=(), names=COLUMNS):
    sent = capture.Captured(
        request_id="a",
        at=streams.UNTIL.timestamp() - 60,
        group=streams.GROUP,
        entry={"version": 3},
        rows=ROWS,
        content_type=content_type,
        body=body,
        answer_type=answer_type,
        answer=answer,
    )
    table = Table(names, [streams.SCHEMA.target])
    found = Captured(table_of(known), streams.GROUP, 3, streams.WINDOW)
    found.add(capture.line(sent, left_out, lambda _: table))
    return found


def as_bodies(frame):
    """The same rows as CSV, as CSV in another charset, as JSON and as lines of JSON."""
    cells = frame.assign(member=frame["member"].map({1.0: True, 0.0: False}))
    records = json.loads(cells.to_json(orient="records"))
    csv = cells.to_csv(index=False)
    return {
        "text/csv": csv.encode(),
        "text/csv; charset=iso-8859-1": csv.encode("iso-8859-1"),
        "application/json": json.dumps({"instances": records}).encode(),
        "application/jsonlines": "\n".join(map(json.dumps, records)).encode(),
    }


@pytest.mark.parametrize(
    "content_type",
    ["text/csv", "text/csv; charset=iso-8859-1", "application/json", "application/jsonlines"],
)
@pytest.mark.parametrize("left_out", [(), ("Colour",)])
def test_every_form_of_request_gives_the_same_columns(known, content_type, left_out):
    rng = np.random.default_rng(2)
    frame, answers = streams.rows(rng, ROWS), streams.predicted(rng, ROWS)
    frame["colour"] = frame["colour"].replace("grey", "gr\u00fcn")
    body = as_bodies(frame)[content_type]
    document = json.dumps({"predictions": answers, "probabilities": [[0.4, 0.6]] * ROWS}).encode()
    found = captured(known, content_type, body, "application/json", document, left_out)
    assert (found.requests, found.rows, dict(found.left_out)) == (1, ROWS, {})
    assert found.answers["a"].labels == answers
    columns = {name: values for name, _, values, _ in found.columns()}
    assert columns["member"] == ["true" if one else "false" for one in frame["member"]]
    assert columns["colour"] == ([] if left_out else frame["colour"].tolist())
    for name in ("x1", "x2", "x3", "x4"):
        np.testing.assert_allclose(columns[name], frame[name], rtol=1e-9)


def test_columns_of_the_same_name_that_were_left_out_are_not_gaps(known):
    names = ["x1.1" if name == "x2" else name for name in COLUMNS]
    columns = [{**one, "name": name} for one, name in zip(known["columns"], names, strict=True)]
    asked = known | {"columns": columns, "training": known["training"] | {"x1.1": known["training"]["x2"]}}
    frame = streams.rows(np.random.default_rng(2), ROWS)
    frame = frame.assign(member=frame["member"].map({1.0: True, 0.0: False})).set_axis(names, axis=1)
    body = frame.to_csv(index=False).encode()
    found = captured(asked, "text/csv", body, "text/csv", b"yes\n" * ROWS, ["x1"], names)
    counts = {name: len(values) for name, _, values, _ in found.columns()}
    assert counts == {**dict.fromkeys(names, ROWS), "x1": 0, "x1.1": 0}


@pytest.mark.parametrize(
    ("missing", "options", "read"), [(3, {}, ""), (0, {}, "NA"), (3, {"text": ["colour"]}, "NA")]
)
def test_a_word_for_a_gap_is_one_where_the_server_reads_it_so(known, missing, options, read):
    colour = known["training"]["colour"] | {"missing": missing}
    asked = known | {"training": known["training"] | {"colour": colour}, "options": options}
    frame = streams.rows(np.random.default_rng(2), ROWS)
    frame["colour"] = "NA"
    body = frame.assign(member=frame["member"].map({1.0: True, 0.0: False})).to_csv(index=False).encode()
    found = captured(asked, "text/csv", body, "text/csv", b"yes\n" * ROWS)
    columns = {name: values for name, _, values, _ in found.columns()}
    assert columns["colour"] == [read] * ROWS


@pytest.mark.parametrize(
    ("answer_type", "answer", "labels", "probabilities"),
    [
        ("text/csv", b"no\nyes\n", ["no", "yes"], None),
        ("text/csv", b"no,0.9,0.1\nyes,0.2,0.8\n", ["no", "yes"], [[0.9, 0.1], [0.2, 0.8]]),
        ("application/json", b'{"predictions": [1.5, 2]}', ["1.5", "2"], None),
    ],
)
def test_every_form_of_answer_is_read(known, answer_type, answer, labels, probabilities):
    found = captured(known, "text/csv", None, answer_type, answer)
    assert dict(found.left_out) == {"captured without its rows": 1}
    assert found.answers["a"] == (labels, probabilities)
    assert found.predictions()[0] == labels


@pytest.mark.parametrize("answer", [b"", b"{", b'{"predictions": 1}', b'{"error": "x"}', b"[1]"])
def test_an_answer_that_is_none_is_counted(known, answer):
    found = captured(known, "text/csv", None, "application/json", answer)
    assert found.left_out["an answer without predictions"] == 1
    assert found.answers == {}


def test_a_baseline_is_bounded_whatever_the_table(known):
    rng = np.random.default_rng(3)
    numbers = distribution(rng.normal(size=100_000))
    assert (len(numbers["quantiles"]), numbers["rows"]) == (500, 100_000)
    levels = distribution([f"level {number}" for number in range(3000)] + ["a" * 1000] * 5 + [""])
    assert (len(levels["levels"]), levels["others"], levels["missing"]) == (500, 2505, 1)
    assert not levels["complete"]
    wide = pd.DataFrame(rng.normal(size=(100, 3000)), columns=[f"c{number}" for number in range(3000)])
    schema = streams.Schema(
        "binary", "y", ("a", "b"), tuple(streams.Column(name, "numeric") for name in wide)
    )
    assert sum(len(one["quantiles"]) for one in distributions(wide, schema).values()) <= 100_000
    assert len(packed(known)) < 50_000


def test_quantiles_keep_the_share_of_every_value():
    values = np.repeat([0.0, 1.0, 7.0], [5000, 3000, 2000])
    found = np.array(distribution(values)["quantiles"])
    assert [(found == value).mean() for value in (0.0, 1.0, 7.0)] == [0.5, 0.3, 0.2]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "is not gzipped JSON"),
        (packed({"format": FORMAT + 1}), "has the format 2; this check reads 1"),
        (packed({"format": FORMAT}), "has the format 1"),
        (packed([]), "has the format None"),
    ],
)
def test_what_is_no_baseline_is_refused(body, said):
    with pytest.raises(ValueError, match=said):
        unpacked(body)
    assert unpacked(packed(streams.baseline(np.random.default_rng(4))))["metric"] == "accuracy"
