"""Leaving out columns: their cells are certainly gone, and the model's server reads the others as before."""

import csv
import json

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from support.container.tables import fitted
from tabular.serving.codec import BadRequest, decode

from lambdas.invoker.left_out import Table, UncertainError, without

NAMES = ("colour", "size", "member", "income", "code")
# A cell of each column that occurs nowhere else.
CELLS = ("violet-é", "12345.625", "yes", "98765.4375", "secret-code")
OTHER = {"target": "owner-of-row", "Unnamed: 0": "index-of-row"}
TABLE = Table(NAMES, ["target"])
HIDDEN = {"member": "yes"}  # booleans have no words of their own: that they are gone, decoding shows


@pytest.fixture(scope="module")
def model():
    return fitted("LogisticRegression", "binary").model


def as_csv(rows, delimiter=","):
    quote = '"' if delimiter == "," else ""
    return "\n".join(delimiter.join(f"{quote}{cell}{quote}" for cell in row) for row in rows) + "\n"


def shapes():
    """Bodies in every shape that the server reads, each with two rows of the cells above."""
    plain = {**dict(zip(NAMES, CELLS, strict=True))}
    cells = {**plain, "size": 12345.625, "member": True, "income": 98765.4375}
    row, rows = list(cells.values()), [list(cells.values())] * 2
    whole = {"Unnamed: 0": OTHER["Unnamed: 0"], **cells, "target": OTHER["target"]}
    shuffled = dict(reversed(plain.items()))
    index = {"0": cells, "1": cells}
    columns = {name: [cell, cell] for name, cell in cells.items()}
    split = {"columns": list(NAMES), "index": ["index-of-row"] * 2, "data": rows}
    schema = {"fields": [{"name": "owner"}], "primaryKey": ["owner"]}
    other_order = list(shuffled)
    values = [cells[name] for name in other_order]
    fields = [{"name": name, "type": "string"} for name in other_order]
    tensors = [{"name": name, "shape": [2], "data": [cells[name]] * 2} for name in other_order]
    as_json = {
        "a row": row,
        "rows": rows,
        "an object": cells,
        "objects": [cells, cells],
        "whole rows": [whole, whole],
        "other case": [{name.upper(): cell for name, cell in cells.items()}],
        "split": split,
        "mlflow": {"dataframe_split": split},
        "columns": columns,
        "columns by index": {name: {"0": cell, "1": cell} for name, cell in cells.items()},
        "rows by index": index,
        "a table": {"schema": schema, "data": [{"owner": "owner-of-row", **cells}] * 2},
        "features": {"instances": [{"features": row}, {"features": row}]},
        "another key": {"instances": [cells], "comment": "owner-of-row"},
        **{
            name: {name: rows}
            for name in ("instances", "inputs", "features", "dataframe_records", "data", "input_data")
        },
        "records": {"records": [cells, cells]},
        "columns in an envelope": {"inputs": columns},
        "a header in lists": [other_order, values, values],
        "names beside instances": {"names": other_order, "instances": [values]},
        "names behind rows": {"rows": [values], "feature_names": other_order},
        "watson": {"input_data": [{"fields": other_order, "values": [values]}]},
        "azure": {"Inputs": {"input1": {"ColumnNames": other_order, "Values": [values]}}},
        "seldon": {"data": {"names": other_order, "ndarray": [values]}},
        "mleap": {"schema": {"fields": fields}, "rows": [values]},
        "sagemaker for spark": {"schema": {"input": fields}, "data": values},
        "tensors": {"inputs": tensors},
        "a tensor": {"inputs": [{"name": "rows", "shape": [2, len(NAMES)], "data": row * 2}]},
        "a tensor with the name of a column": {
            "inputs": [{"name": "size", "shape": [2, len(NAMES)], "data": row * 2}]
        },
        "rows of tensors": {"instances": [{name: [cell] for name, cell in cells.items()}] * 2},
        "row names of R": [{"_row": "owner-of-row", **cells}],
        "an object around each": [{"json": cells, "pairedItem": {"item": "owner-of-row"}}] * 2,
        "under any key": {"customers": [cells, cells], "from": "owner-of-row"},
        "polars": {"columns": [{"name": name, "values": [cells[name]] * 2} for name in other_order]},
        "a batch": {"instances": [rows]},
        "wrapped": {"instances": [{"data": {"features": {"values": row}}}]},
    }
    lines = {
        "lists": rows,
        "objects": [cells, cells],
        "one line": [rows],
        "a header": [other_order, values, values],
        "requests": [{"instances": [row]}, {"instances": [row]}],
        "requests with names": [{"columns": other_order, "index": ["owner-of-row"], "data": [values]}] * 2,
        "objects around each": [{"json": cells, "pairedItem": "owner-of-row"}] * 2,
    }
    as_text = {
        "csv": as_csv([CELLS, CELLS]),
        "csv with a header": as_csv([NAMES, CELLS, CELLS]),
        "csv with blanks": " , ".join(NAMES) + "\n" + ", ".join(CELLS) + "\n",
        "csv in another order": as_csv([shuffled, shuffled.values(), shuffled.values()]),
        "csv of whole rows": as_csv([whole, [*OTHER.values()][1:] + list(CELLS) + ["owner-of-row"]]),
        "csv with an index": as_csv([["", *NAMES], ["index-of-row", *CELLS]]),
        "csv with tabs": as_csv([NAMES, CELLS], "\t"),
        "csv with semicolons": as_csv([CELLS, CELLS], ";"),
        "csv with semicolons in quotes": as_csv([NAMES, CELLS, CELLS]).replace('","', '";"'),
        "csv below the line of excel": "sep=;\n" + as_csv([NAMES, CELLS], ";"),
        "csv with bars": as_csv([CELLS, CELLS], "|"),
        "csv with a mark": "\ufeff" + as_csv([NAMES, CELLS]),
        "csv with empty lines": "\n\r\n" + as_csv([CELLS, CELLS]).replace("\n", "\r\n\r\n"),
    }
    for name, document in as_json.items():
        yield name, json.dumps(document).encode(), "application/json"
    for name, documents in lines.items():
        text = "\n".join(map(json.dumps, documents))
        yield f"json lines of {name}", text.encode(), "application/x-ndjson"
    for name, text in as_text.items():
        yield name, text.encode(), "text/csv"
    yield "latin-1", as_csv([NAMES, CELLS]).encode("latin-1"), "text/csv; charset=iso-8859-1"
    yield "utf-16 by its mark", as_csv([NAMES, CELLS]).encode("utf-16"), "text/csv"
    in_another_order = as_csv([shuffled, shuffled.values()])
    yield (
        "a mark in utf-16-le",
        ("\ufeff" + in_another_order).encode("utf-16-le"),
        "text/csv; charset=utf-16le",
    )
    as_formulas = [[f'=""{cell}""' for cell in row] for row in (shuffled, shuffled.values())]
    yield "formulas in another order", as_csv(as_formulas).encode(), "text/csv"
    unquoted = "\n".join("\t".join(f'="{cell}"' for cell in row) for row in (shuffled, shuffled.values()))
    yield "formulas between tabs", unquoted.encode(), "text/tab-separated-values"
    for media_type in ("text/x-csv", "text/comma-separated-values"):
        yield media_type, in_another_order.encode(), media_type
    yield "text/json", json.dumps([cells]).encode(), "text/json"
    yield "application/ndjson", json.dumps(cells).encode(), "application/ndjson"
    yield "utf-16", json.dumps([cells]).encode("utf-16"), "application/json; charset=utf-16"
    yield "no content type", as_csv([CELLS]).encode(), ""


SHAPES = {name: (body, content_type) for name, body, content_type in shapes()}


def read(body, content_type, model, left_out=()):
    """The cells of a body as the server reads them, by column, without those of some columns."""
    numbers, categories = decode(body, content_type, model)
    of_numbers = [[repr(cell) for cell in column] for column in numbers.T.tolist()]
    found = dict(zip(model.numeric, of_numbers, strict=True)) | dict(
        zip(model.categorical, categories, strict=True)
    )
    return {name: found[place] for place, name in enumerate(model.names) if name not in left_out}


def check(body, content_type, left_out, model):
    """Leave columns out, and compare what the server then reads with what it read."""
    stored = without(body, content_type, left_out, TABLE)
    media_type = content_type.partition(";")[0] or "text/csv"
    before = read(body, content_type, model)
    after = read(stored.encode(), media_type, model)
    places = {NAMES[place] for place in TABLE.places_of(left_out)}
    for name in NAMES:
        if name in places:
            assert set(after[name]) <= {"", "nan"}
            assert len(after[name]) == len(before[name])
        else:
            assert after[name] == before[name]
    return stored


@pytest.mark.parametrize("shape", SHAPES)
def test_a_cell_that_is_left_out_is_nowhere_and_all_others_are_read_as_before(model, shape):
    body, content_type = SHAPES[shape]
    for left_out in (*([name] for name in NAMES), ["Colour ", "income"], ["target"], NAMES):
        stored = check(body, content_type, left_out, model)
        for place, (name, cell) in enumerate(zip(NAMES, CELLS, strict=True)):
            if name not in HIDDEN:
                is_stored = cell in stored or json.dumps(cell)[1:-1] in stored
                assert is_stored != (place in TABLE.places_of(left_out))
        assert not [text for text in OTHER.values() if text in stored]


TEXTS = st.text(st.characters(codec="utf-8"), max_size=8) | st.sampled_from(
    ["", " ", '"', "a,b", "x;y", "\t", "1", "1.5", "yes", "size", "colour", "nan", "a\nb", " a", "target"]
)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53)
VALUES = st.none() | st.booleans() | NUMBERS | TEXTS
ROWS = (
    st.tuples(TEXTS, NUMBERS, st.booleans(), NUMBERS, TEXTS).map(list)
    | st.tuples(TEXTS, NUMBERS, st.booleans(), NUMBERS, TEXTS).map(
        lambda row: dict(zip(NAMES, row, strict=True))
    )
    | st.lists(VALUES, max_size=6)
    | st.dictionaries(st.sampled_from([*NAMES, "SIZE", "target", "instances", "data"]), VALUES, max_size=7)
)
OF_COLUMN = dict(zip(NAMES, (TEXTS, NUMBERS, st.booleans(), NUMBERS, TEXTS), strict=True))
DOCUMENTS = st.lists(ROWS, max_size=4) | ROWS
ENVELOPED = (
    DOCUMENTS
    | st.builds(
        lambda key, rows: {key: rows}, st.sampled_from(["instances", "inputs", "data", "features"]), DOCUMENTS
    )
    | st.builds(
        lambda key, names, rows, beside: {key: names, beside: rows},
        st.sampled_from(["columns", "names", "fields", "schema", "features", "anything"]),
        st.permutations(NAMES) | st.lists(st.sampled_from([*NAMES, "SIZE", "target"]), max_size=7),
        st.lists(st.tuples(TEXTS, NUMBERS, st.booleans(), NUMBERS, TEXTS).map(list), max_size=3),
        st.sampled_from(["instances", "data", "values", "rows"]),
    )
    | st.permutations(NAMES).flatmap(
        lambda names: st.lists(st.tuples(*[OF_COLUMN[name] for name in names]).map(list), max_size=3).map(
            lambda rows: [names, *rows]
        )
    )
)
LINE = st.tuples(TEXTS, NUMBERS.map(str), st.sampled_from(["yes", "no", ""]), NUMBERS.map(str), TEXTS)
LINES = (
    st.lists(LINE, min_size=1, max_size=4)
    | st.lists(LINE, min_size=1, max_size=4).map(lambda lines: [NAMES, *lines])
    | st.lists(LINE | st.permutations(NAMES) | st.lists(TEXTS, max_size=6), max_size=4)
)
BODIES = (
    ENVELOPED.map(lambda document: (json.dumps(document), "application/json"))
    | st.lists(ROWS, max_size=4).map(lambda rows: ("\n".join(map(json.dumps, rows)), "application/jsonlines"))
    | st.builds(
        lambda lines, delimiter, quote: (
            "\n".join(delimiter.join(f"{quote}{cell}{quote}" for cell in line) for line in lines),
            "text/csv",
        ),
        LINES,
        st.sampled_from(",;\t|"),
        st.sampled_from(["", '"']),
    )
)


@given(BODIES, st.sets(st.sampled_from(NAMES), min_size=1, max_size=4))
def test_whatever_the_server_reads_is_stored_without_the_cells_or_not_at_all(given_body, left_out):
    text, content_type = given_body
    model = fitted("LogisticRegression", "binary").model
    try:
        decode(text.encode(), content_type, model)
    except (BadRequest, UnicodeError):
        assume(False)
    try:
        check(text.encode(), content_type, left_out, model)
    except UncertainError as error:
        assert str(error).endswith(".")


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"1,2\n", "text/csv"),
        (b"colour,size,member,income\nred,1,yes,2\n", "text/csv"),
        (b"", "text/csv"),
        (b"{", "application/json"),
        (b"3", "application/json"),
        (b'{"columns": 3, "data": [[1]]}', "application/json"),
        (b'[["red", [1], true, 2, "c"]]', "application/json"),
        (b'[{"colour": "red", "COLOUR": "red"}]', "application/json"),
        (b"[" * 100_000, "application/json"),
        (b'"unbalanced,1,yes,2,c', "text/csv"),
        (b"\xff\xfe\xfd", "text/csv"),
        (b"red,1,yes,2,c", "text/csv; charset=nonsense"),
        (b"red,1,yes,2,c", "image/png"),
    ],
)
def test_what_cannot_be_told_is_not_stored(body, content_type):
    with pytest.raises(UncertainError) as error:
        without(body, content_type, ["colour"], TABLE)
    assert "red" not in str(error.value)


def test_a_model_of_one_column_is_not_stored_as_csv():
    with pytest.raises(UncertainError, match="one column"):
        without(b"1\n\n2\n", "text/csv", ["size"], Table(["size"], []))


def test_lines_that_fit_with_two_delimiters_are_not_stored():
    table = Table(["colour", "size"], [])
    with pytest.raises(UncertainError, match="with another delimiter"):
        without(b"red;3,5\n", "text/csv", ["size"], table)
    stored = without(b"colour,size\nred;blue,5\n", "text/csv", ["size"], table)
    assert stored == '"colour","size"\n"red;blue",""\n'


def test_names_that_differ_in_case_alone_are_told_apart_by_their_exact_spelling():
    table = Table(["Name", "name", "age"], [])
    assert table.places_of(["name"]) == {1}
    assert table.places_of(["NAME"]) == {0, 1}
    assert json.loads(without(b'[["a", "b", 3]]', "application/json", ["Name"], table)) == [[None, "b", 3]]


def test_a_name_that_looks_the_same_is_left_out():
    table = Table(["Cafe\u0301", "\uff4e\uff41\uff4d\uff45", "age"], [])
    assert table.places_of(["caf\u00e9", "Name "]) == {0, 1}
    assert table.knows("CAF\u00c9")
    stored = without("age,Caf\u00e9,name\n7,secret,x\n".encode(), "text/csv", ["caf\u00e9"], table)
    assert "secret" not in stored and '"7"' in stored and '"x"' in stored


def test_the_place_of_a_name_is_the_servers(model):
    names = [*NAMES, "target", "TARGET", " Size", "", "Unnamed: 0", "x", "ﬁ", "İ"]
    assert [TABLE.place_of(name) for name in names] == [model.place_of(name) for name in names]
    assert model.names == TABLE.names


@pytest.mark.parametrize(
    ("named", "places"), [("id", {0, 2}), ("ID", {0, 2}), ("Id ", {0, 2}), ("id.1", {2}), ("x", {1})]
)
def test_a_name_means_all_columns_of_that_name_however_it_is_written(named, places):
    assert Table(["id", "x", "id.1"], ["y"]).places_of([named]) == places


@pytest.mark.parametrize(
    ("left_out", "stored"),
    [
        ({"x"}, [["one", "", "two"]]),
        ({"id"}, [["", "3", ""]]),  # all columns of this name
        ({"id.1"}, [["one", "3", ""]]),
    ],
)
def test_columns_of_the_same_name_are_found_in_their_places(left_out, stored):
    table = Table(["id", "x", "id.1"], ["x.1", "y"])  # x is there twice with the same cells
    header, row = ["y", "id", "x", "id", "x"], ["owner", "one", "3", "two", "copy"]
    (names, *rows) = csv.reader(without(as_csv([header, row]).encode(), "text/csv", left_out, table).split())
    assert names == ["y", "id", "x", "id.1", "x.1"]
    assert [cells[1:4] for cells in rows] == stored
    assert {cells[0] + cells[4] for cells in rows} == {""}
    body = json.dumps({"columns": header, "data": [row]}).encode()
    (kept,) = json.loads(without(body, "application/json", left_out, table))
    assert [[cell or "" for cell in kept.values()]] == stored
    assert list(kept) == ["id", "x", "id.1"]


def test_a_first_row_of_names_stays_a_row_if_its_request_said_so():
    table = Table(["1", "2"], [])
    content_type = "text/csv; charset=utf-16; header=absent"
    stored = without("2,1\n5,6\n".encode("utf-16"), content_type, ["2"], table)
    assert stored == '"2",""\n"5",""\n'
    assert without(b"2,1\n5,6\n", "text/csv", ["2"], table) == '"2","1"\n"","6"\n'
