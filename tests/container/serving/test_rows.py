"""The same rows, with every kind of column, are read alike in every shape that clients send."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.container.examples import EXAMPLES
from support.container.tables import dated, fit, mixed
from tabular.data.preparation.prepare import prepare
from tabular.data.tables import read_table
from tabular.portable.model import PortableModel
from tabular.serving import codec
from tabular.serving.codec import BadRequest, decode, encode
from tabular.spec.options import Options

pytestmark = pytest.mark.slow
CSV, JSON, JSON_LINES = "text/csv", "application/json", "application/jsonlines"
OTHERS = ("id", "index")  # of the table, and not of the model


def model_of(table, *others):
    """A model that knows what else its table had."""
    one = fit(table, "NaiveBayes", "binary")
    return PortableModel(one.manifest | {"target": "target", "others": [*OTHERS, *others]}, one.arrays)


@pytest.fixture(scope="module")
def models():
    """A model with every kind of column, one of numbers alone, and one of levels alone."""
    table = mixed(rows=40, gaps=False)
    dates = dated(rows=40)[["day", "moment", "size", "target"]]
    return {
        "every kind": model_of(table.assign(day=dates["day"].to_numpy())),
        "dates": model_of(dates),
        "numbers": model_of(table[["size", "income", "target"]]),
        "levels": model_of(table[["colour", "code", "target"]]),
        "one column": model_of(table[["size", "target"]]),
        "one level": model_of(table[["colour", "target"]]),
        "written": model_of(as_people_write(table)),
        "case counts": model_of(table[["size", "income", "target"]], "Size"),
    }


@pytest.fixture(scope="module")
def tables():
    table = mixed(rows=40, gaps=False)
    dates = dated(rows=40)
    days = {"day": dates["day"].to_numpy(), "moment": dates["moment"].to_numpy()}
    people = as_people_write(table).drop(columns="target")
    return table.assign(**days, **people).drop(columns="target")


def as_people_write(table):
    """A table of units, currencies, and levels that look like numbers, gaps and truths."""
    size, rows = table["size"], range(len(table))

    def turns(*levels):
        return np.array([levels[row % len(levels)] for row in rows], dtype=object)

    return pd.DataFrame(
        {
            "weight": [f"{number:.2f} kg".replace(".", ",") for number in size],
            "price": [f"\u00a3{1000 + 100 * number:,.2f}" for number in size],
            "share": [f"{number:.1f}%" for number in size],
            "article": turns("01", "02", "10"),
            "country": turns("NA", "DE", "FR", "ZA"),
            "plan": turns("None", "Basic"),
            "truth": turns("True", "False", "Both"),
            "town": turns("New\u00a0York", "Z\u00fcrich", "K\u00f6ln"),
            "sent": dated(rows=len(table), gaps=False)["moment"] + "+02:00",
            "target": table["target"],
        }
    )


def test_what_people_write_is_of_every_kind(models):
    kinds = {column["name"]: column["kind"] for column in models["written"].columns}
    assert kinds == {
        **dict.fromkeys(["weight", "price", "share"], "numeric"),
        **dict.fromkeys(["article", "country", "plan", "truth", "town"], "categorical"),
        "sent": "date",
    }


def written(cells):
    """A line of CSV."""
    return ",".join("" if cell is None else quoted(str(cell)) for cell in cells)


def quoted(text, delimiters=","):
    return f'"{text}"' if set(delimiters) & set(text) and not text.startswith('"') else text


def separated(delimiter, rows):
    """Lines with another delimiter, and with quotes around all cells, as R's write.csv2 has them."""
    return lines(*(delimiter.join(f'"{"" if cell is None else cell}"' for cell in row) for row in rows))


def lines(*rows):
    return "".join(f"{row}\n" for row in rows)


def reversed_(rows):
    return [row[::-1] for row in rows]


def tensor(names, rows, key):
    """One tensor of all columns, with its cells in one list."""
    return {"shape": [len(rows), len(names)], key: [cell for row in rows for cell in row]}


def described(names):
    """The names in the other order, each with a type."""
    return [{"name": name, "type": "string"} for name in names[::-1]]


# Each takes the names of the columns and rows of cells, and gives a content type and a body.
SHAPES = {
    "CSV": lambda names, rows: (CSV, lines(*map(written, rows))),
    "CSV with a header": lambda names, rows: (CSV, lines(written(names), *map(written, rows))),
    "CSV, header in capitals": lambda names, rows: (
        CSV,
        lines(written(name.upper() for name in names), *map(written, rows)),
    ),
    "CSV, columns reversed": lambda names, rows: (
        CSV,
        lines(written(names[::-1]), *(written(row[::-1]) for row in rows)),
    ),
    "CSV, pandas' index": lambda names, rows: (
        CSV,
        lines("," + written(names), *(f"{i},{written(row)}" for i, row in enumerate(rows))),
    ),
    "CSV, the whole table": lambda names, rows: (
        CSV,
        lines("target,id," + written(names), *(f"yes,7,{written(row)}" for row in rows)),
    ),
    "CSV in Latin-1": lambda names, rows: (
        f"{CSV}; charset=ISO-8859-1",
        lines(written(names), *map(written, rows)).encode("latin-1"),
    ),
    "CSV in UTF-16": lambda names, rows: (
        f'{CSV};charset="utf-16"',
        lines(*map(written, rows)).encode("utf-16"),
    ),
    "CSV in UTF-16 that only its mark names": lambda names, rows: (
        CSV,
        lines(written(names), *map(written, rows)).encode("utf-16"),
    ),
    "CSV with a mark": lambda names, rows: (
        CSV,
        lines(written(names), *map(written, rows)).encode("utf-8-sig"),
    ),
    "CSV with a mark, without a header": lambda names, rows: (
        CSV,
        lines(*map(written, rows)).encode("utf-8-sig"),
    ),
    "CSV with semicolons in quotes": lambda names, rows: (CSV, separated(";", [names, *rows])),
    "CSV with tabs in quotes": lambda names, rows: (
        "text/tab-separated-values",
        separated("\t", [names, *rows]),
    ),
    "CSV with bars in quotes": lambda names, rows: (CSV, separated("|", [names[::-1], *reversed_(rows)])),
    "CSV with semicolons, the whole table": lambda names, rows: (
        CSV,
        separated(";", [["target", *names], *(["yes", *row] for row in rows)]),
    ),
    "CSV below Excel's line of the delimiter": lambda names, rows: (
        CSV,
        f"sep=;\n{separated(';', [names, *rows])}",
    ),
    "CSV below Excel's line, without a header": lambda names, rows: (
        CSV,
        f"SEP=,\r\n{lines(*map(written, rows))}",
    ),
    "JSON rows": lambda names, rows: (JSON, json.dumps(rows)),
    "JSON in UTF-16 that only its mark names": lambda names, rows: (JSON, json.dumps(rows).encode("utf-16")),
    "R's objects with row names": lambda names, rows: (
        JSON,
        json.dumps([{**dict(zip(names, row, strict=True)), "_row": "Mazda RX4"} for row in rows]),
    ),
    "TensorFlow's rows of tensors": lambda names, rows: (
        JSON,
        json.dumps(
            {"instances": [{name: [cell] for name, cell in zip(names, row, strict=True)} for row in rows]}
        ),
    ),
    "Vertex's parameters": lambda names, rows: (
        JSON,
        json.dumps(
            {"instances": [dict(zip(names, row, strict=True)) for row in rows], "parameters": {"top": 1}}
        ),
    ),
    "KServe's tensor of all columns with the name of one": lambda names, rows: (
        JSON,
        json.dumps({"inputs": [tensor(names, rows, "data") | {"name": names[0], "datatype": "BYTES"}]}),
    ),
    "JSON objects": lambda names, rows: (
        JSON,
        json.dumps([dict(zip(names, row, strict=True)) for row in rows]),
    ),
    "JSON objects of the whole table": lambda names, rows: (
        JSON,
        json.dumps([{"id": 7, **dict(zip(names, row, strict=True)), "target": "no"} for row in rows]),
    ),
    "JSON objects in capitals": lambda names, rows: (
        JSON,
        json.dumps([{name.upper(): cell for name, cell in zip(names, row, strict=True)} for row in rows]),
    ),
    "instances": lambda names, rows: (JSON, json.dumps({"instances": rows})),
    "instances with features": lambda names, rows: (
        JSON,
        json.dumps({"instances": [{"features": row} for row in rows]}),
    ),
    "features": lambda names, rows: (JSON, json.dumps({"features": rows})),
    "inputs": lambda names, rows: (JSON, json.dumps({"inputs": rows})),
    "pandas' split": lambda names, rows: (
        JSON,
        json.dumps({"columns": names, "index": list(range(len(rows))), "data": rows}),
    ),
    "MLflow's split": lambda names, rows: (
        JSON,
        json.dumps({"dataframe_split": {"columns": names[::-1], "data": [row[::-1] for row in rows]}}),
    ),
    "MLflow's records": lambda names, rows: (
        JSON,
        json.dumps({"dataframe_records": [dict(zip(names, row, strict=True)) for row in rows]}),
    ),
    "pandas' columns": lambda names, rows: (
        JSON,
        json.dumps(
            {name: {str(i): row[place] for i, row in enumerate(rows)} for place, name in enumerate(names)}
        ),
    ),
    "pandas' index": lambda names, rows: (
        JSON,
        json.dumps({str(i): dict(zip(names, row, strict=True)) for i, row in enumerate(rows)}),
    ),
    "pandas' table": lambda names, rows: (
        JSON,
        json.dumps(
            {
                "schema": {"primaryKey": ["row"]},
                "data": [{"row": 7, **dict(zip(names, row, strict=True))} for row in rows],
            }
        ),
    ),
    "pandas' lists": lambda names, rows: (
        JSON,
        json.dumps({name: [row[place] for row in rows] for place, name in enumerate(names)}),
    ),
    "MLflow's inputs": lambda names, rows: (
        JSON,
        json.dumps({"inputs": {name: [row[place] for row in rows] for place, name in enumerate(names)}}),
    ),
    "Azure's input_data": lambda names, rows: (
        JSON,
        json.dumps({"input_data": {"columns": names, "index": list(range(len(rows))), "data": rows}}),
    ),
    "Azure's Inputs": lambda names, rows: (
        JSON,
        json.dumps({"Inputs": {"data": [dict(zip(names, row, strict=True)) for row in rows]}}),
    ),
    "KServe's tensors": lambda names, rows: (
        JSON,
        json.dumps(
            {
                "inputs": [
                    {"name": name, "shape": [len(rows)], "data": [row[place] for row in rows]}
                    for place, name in enumerate(names)
                ]
            }
        ),
    ),
    "KServe's tensors of columns": lambda names, rows: (
        JSON,
        json.dumps(
            {
                "inputs": [
                    {"name": name, "shape": [len(rows), 1], "data": [[row[place]] for row in rows]}
                    for place, name in enumerate(names)
                ],
                "outputs": [{"name": "predict"}],
            }
        ),
    ),
    "KServe's tensor of all columns": lambda names, rows: (
        JSON,
        json.dumps({"inputs": [tensor(names, rows, "data") | {"name": "predict", "datatype": "FP64"}]}),
    ),
    "KServe's rows in a tensor": lambda names, rows: (
        JSON,
        json.dumps({"inputs": [{"name": "predict", "shape": [len(rows), len(names)], "data": rows}]}),
    ),
    "TensorFlow's columns": lambda names, rows: (
        JSON,
        json.dumps({"inputs": {name: [[row[place]] for row in rows] for place, name in enumerate(names)}}),
    ),
    "Seldon's array": lambda names, rows: (
        JSON,
        json.dumps({"data": {"names": names[::-1], "ndarray": [row[::-1] for row in rows]}}),
    ),
    "Seldon's tensor": lambda names, rows: (
        JSON,
        json.dumps(
            {"data": {"names": names[::-1], "tensor": tensor(names, [row[::-1] for row in rows], "values")}}
        ),
    ),
    "Watson's fields": lambda names, rows: (
        JSON,
        json.dumps({"input_data": [{"fields": names[::-1], "values": [row[::-1] for row in rows]}]}),
    ),
    "H2O's fields": lambda names, rows: (
        JSON,
        json.dumps({"idField": None, "fields": names[::-1], "rows": [row[::-1] for row in rows]}),
    ),
    "MLeap's frame": lambda names, rows: (
        JSON,
        json.dumps({"schema": {"fields": described(names)}, "rows": [row[::-1] for row in rows]}),
    ),
    "SageMaker's schema for Spark": lambda names, rows: (
        JSON,
        json.dumps(
            {"schema": {"input": described(names), "output": {}}, "data": [row[::-1] for row in rows]}
        ),
    ),
    "Azure's ColumnNames": lambda names, rows: (
        JSON,
        json.dumps(
            {"Inputs": {"input1": {"ColumnNames": names[::-1], "Values": [row[::-1] for row in rows]}}}
        ),
    ),
    "names under any key": lambda names, rows: (
        JSON,
        json.dumps({"feature_names": names[::-1], "instances": [row[::-1] for row in rows]}),
    ),
    "features as names": lambda names, rows: (
        JSON,
        json.dumps({"features": names[::-1], "data": [row[::-1] for row in rows]}),
    ),
    "columns with types": lambda names, rows: (
        JSON,
        json.dumps({"columns": described(names), "data": [row[::-1] for row in rows]}),
    ),
    "JSON rows below a header": lambda names, rows: (
        JSON,
        json.dumps([names[::-1], *(row[::-1] for row in rows)]),
    ),
    "JSON Lines below a header": lambda names, rows: (
        JSON_LINES,
        lines(json.dumps(names[::-1]), *(json.dumps(row[::-1]) for row in rows)),
    ),
    "JSON rows in one line": lambda names, rows: (JSON_LINES, json.dumps(rows)),
    "JSON Lines of rows": lambda names, rows: (JSON_LINES, lines(*map(json.dumps, rows))),
    "JSON Lines of objects": lambda names, rows: (
        "application/x-ndjson",
        lines(*(json.dumps(dict(zip(names, row, strict=True))) for row in rows)),
    ),
    "JSON Lines with features": lambda names, rows: (
        JSON_LINES,
        lines(*(json.dumps({"features": row}) for row in rows)),
    ),
    "JSON Lines of requests": lambda names, rows: (
        JSON_LINES,
        lines(*(json.dumps({"instances": [row]}) for row in rows)),
    ),
    "JSON Lines of pandas' split": lambda names, rows: (
        JSON_LINES,
        lines(*(json.dumps({"columns": names[::-1], "data": [row[::-1]]}) for row in rows)),
    ),
    "JSON Lines of lists of objects": lambda names, rows: (
        JSON_LINES,
        lines(*(json.dumps([dict(zip(names, row, strict=True))]) for row in rows)),
    ),
    "a request in one of JSON Lines": lambda names, rows: (JSON_LINES, json.dumps({"inputs": rows})),
    "a batch of rows": lambda names, rows: (JSON, json.dumps({"instances": [rows]})),
    "rows that are each in a list": lambda names, rows: (JSON, json.dumps([[row] for row in rows])),
    "cells that are each in a list": lambda names, rows: (
        JSON,
        json.dumps([[[cell] for cell in row] for row in rows]),
    ),
    "objects under any key": lambda names, rows: (
        JSON,
        json.dumps({"id": "a7", "customers": [dict(zip(names, row, strict=True)) for row in rows]}),
    ),
    "Dataiku's items": lambda names, rows: (
        JSON,
        json.dumps({"items": [{"features": dict(zip(names, row, strict=True))} for row in rows]}),
    ),
    "n8n's items": lambda names, rows: (
        JSON,
        json.dumps(
            [
                {"json": dict(zip(names, row, strict=True)), "pairedItem": {"item": place}}
                for place, row in enumerate(rows)
            ]
        ),
    ),
    "Airtable's records": lambda names, rows: (
        JSON,
        json.dumps(
            {
                "records": [
                    {"key": "rec7", "fields": dict(zip(names[::-1], row[::-1], strict=True))} for row in rows
                ],
                "offset": "itr7",
            }
        ),
    ),
    "n8n's items in JSON Lines": lambda names, rows: (
        JSON_LINES,
        lines(*(json.dumps({"json": dict(zip(names, row, strict=True)), "pairedItem": 0}) for row in rows)),
    ),
    "PowerShell's list": lambda names, rows: (
        JSON,
        json.dumps({"value": [dict(zip(names, row, strict=True)) for row in rows], "Count": len(rows)}),
    ),
    "Polars' columns": lambda names, rows: (
        JSON,
        json.dumps(
            {
                "columns": [
                    {"name": name, "datatype": "String", "values": [row[place] for row in rows]}
                    for place, name in enumerate(names)
                ]
            }
        ),
    ),
}


@pytest.mark.parametrize(
    "columns", ["every kind", "dates", "numbers", "levels", "one column", "one level", "written"]
)
@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_of_every_kind_of_column_is_read_alike(models, tables, columns, shape):
    model = models[columns]
    rows = [[plain(cell) for cell in row] for row in tables[model.names].head(7).to_numpy(dtype=object)]
    expected = decode(json.dumps(rows).encode(), JSON, model)
    content_type, body = SHAPES[shape](model.names, rows)
    numbers, levels = decode(body if isinstance(body, bytes) else body.encode(), content_type, model)
    np.testing.assert_array_equal(numbers, expected[0])
    assert levels == expected[1]
    assert len(numbers) == len(rows)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_number_that_means_a_missing_value_does_so_in_every_shape(shape):
    one = fit(mixed(rows=40, gaps=False)[["size", "income", "target"]], "NaiveBayes", "binary")
    columns = [{**column, "missing": ["-999", "?"]} for column in one.manifest["columns"]]
    model = PortableModel(
        one.manifest | {"columns": columns, "target": "target", "others": OTHERS}, one.arrays
    )
    content_type, body = SHAPES[shape](model.names, [[1.5, -999], [-999, 2]])
    numbers, _ = decode(body if isinstance(body, bytes) else body.encode(), content_type, model)
    np.testing.assert_array_equal(numbers, [[1.5, np.nan], [np.nan, 2]])


def plain(cell):
    """A cell as JSON has it."""
    return cell.isoformat() if hasattr(cell, "isoformat") else cell.item() if hasattr(cell, "item") else cell


@settings(max_examples=EXAMPLES)
@given(
    st.data(),
    st.sampled_from(["every kind", "dates", "levels", "numbers", "one column", "one level", "written"]),
    st.lists(
        st.sampled_from(
            [
                "",
                None,
                "NA",
                "1",
                2,
                -3.5,
                "yes",
                "red",
                "2024-01-31",
                "x y",
                "1,5 kg",
                "\u00a31,000",
                "a;b",
                "01",
            ]
        ),
        min_size=1,
    ),
)
def test_no_shape_has_more_or_fewer_answers_than_rows(models, data, columns, cells):
    """Whatever the cells are: as many rows as were sent, or one sentence."""
    model = models[columns]
    rows = data.draw(
        st.lists(
            st.lists(st.sampled_from(cells), min_size=len(model.names), max_size=len(model.names)), min_size=1
        )
    )
    if len(model.names) == 1:  # an empty line at the end is no row
        rows = [[cell or "x"] for (cell,) in rows]
    for shape, make in SHAPES.items():
        content_type, body = make(model.names, rows)
        try:
            numbers, _ = decode(body if isinstance(body, bytes) else body.encode(), content_type, model)
        except BadRequest as refusal:
            assert refusal.status == 400, shape
        else:
            assert len(numbers) == len(rows), shape


def test_an_object_of_objects_may_not_be_rows_and_columns_at_once():
    one = fit(mixed(rows=40, gaps=False)[["size", "income", "target"]], "NaiveBayes", "binary")
    columns = [column | {"name": name} for column, name in zip(one.manifest["columns"], "01", strict=True)]
    model = PortableModel(one.manifest | {"columns": columns}, one.arrays)
    for rows in ([[1, 2]], [[1, 2], [3, 4], [5, 6]]):
        for orient in ("columns", "index"):
            body = pd.DataFrame(rows).to_json(orient=orient)
            np.testing.assert_array_equal(decode(body.encode(), JSON, model)[0], rows)
    assert refusal_of(pd.DataFrame([[1, 2], [3, 4]]).to_json(), JSON, model).startswith(
        "The keys may be columns"
    )


def refusal_of(body, content_type, model):
    with pytest.raises(BadRequest) as refusal:
        decode(body.encode(), content_type, model)
    return str(refusal.value)


def test_a_header_of_levels_alone_is_never_a_row(models):
    numbers, levels = decode(b"Colour,CODE\nblue,c1\nred,c2\n", CSV, models["levels"])
    assert len(numbers) == 2
    assert levels == [["blue", "red"], ["c1", "c2"]]
    wrong = "Colour,Kode\nblue,c1\n"
    assert refusal_of(wrong, CSV, models["levels"]) == "The header does not have the columns 'code'."


@pytest.mark.parametrize("charset", ["utf-8", "utf-16-le", "utf-16-be", "utf-32-le"])
@pytest.mark.parametrize(
    ("body", "media_type"), [("Colour,CODE\nblue,c1\n", CSV), ('[["blue", "c1"]]', JSON)]
)
def test_a_mark_of_the_order_of_bytes_is_no_text(models, body, media_type, charset):
    marked = f"\ufeff{body}".encode(charset)
    assert decode(marked, f"{media_type}; charset={charset}", models["levels"])[1] == [["blue"], ["c1"]]


def test_a_column_that_the_table_does_not_have_is_named(models):
    body = "size,income,weight,Height\n1,2,3,4\n"
    assert refusal_of(body, CSV, models["numbers"]) == (
        "The header has the columns 'weight', 'Height', which this model does not know."
    )


def test_case_counts_where_two_columns_of_the_table_differ_in_nothing_else(models):
    numbers, _ = decode(b"Size,size,income\n9,1,2\n", CSV, models["case counts"])
    assert numbers.tolist() == [[1.0, 2.0]]
    assert "does not have the columns 'size'" in refusal_of("SIZE,income\n9,2\n", CSV, models["case counts"])


def test_nan_as_python_writes_it_is_a_missing_cell(models):
    numbers, _ = decode(b'[{"size": NaN, "income": 2}]', JSON, models["numbers"])
    assert np.isnan(numbers[0, 0])
    assert "is not JSON" in refusal_of('[{"size": -Infinity, "income": NaN}]', JSON, models["numbers"])


@pytest.mark.parametrize("in_c", [True, False])
@pytest.mark.parametrize("body", [b"1\n2\n ", b"1\n2\n  \n", b"1\r\n2\r\n \r\n", b"1\n2\n\n \n"])
def test_blanks_behind_the_last_row_of_one_column_are_no_row(monkeypatch, models, body, in_c):
    if not in_c:
        monkeypatch.setattr(codec, "csv_rows", None)
    assert decode(body, CSV, models["one column"])[0].tolist() == [[1.0], [2.0]]


@pytest.mark.parametrize("columns", ["one column", "one level"])
@pytest.mark.parametrize("body", ['[{"other": "red"}]', '{"instances": [[1]]}', '[["red"], ["blue"]]'])
def test_json_is_no_cell_of_one_column(models, columns, body):
    assert "is JSON; name application/json" in refusal_of(body, CSV, models[columns])
    assert "is JSON Lines; name application/jsonlines" in refusal_of(
        f"{body}\n{body}\n", CSV, models[columns]
    )


def test_a_level_may_be_json():
    tags = ['["a"]', '["a", "b"]'] * 20
    model = model_of(pd.DataFrame({"tags": tags, "target": ["yes", "no"] * 20}))
    assert decode(b'"[""a""]"\n', CSV, model)[1] == [['["a"]']]
    assert decode(b'["a"]\n["c"]\n', CSV, model)[1] == [['["a"]', '["c"]']]


@pytest.mark.parametrize("sign", ['"', " ", "\\n", "\\r"])
def test_what_cannot_separate_is_not_named_by_excels_line(models, sign):
    assert refusal_of(f"sep={sign}\n1,2\n", CSV, models["numbers"]).startswith(("Row 1 has 1 cell", "Line 1"))


def test_cells_of_one_column_may_have_another_delimiter(models):
    body = b"red;green\nblue|x\ty\n"
    assert decode(body, CSV, models["one level"])[1] == [["red;green", "blue|x\ty"]]


def test_an_empty_line_of_one_column_is_a_row(models):
    numbers, _ = decode(b"1\n\n3\n\n", CSV, models["one column"])
    np.testing.assert_array_equal(numbers, [[1.0], [np.nan], [3.0]])


@pytest.mark.parametrize("in_c", [True, False])
def test_two_quotes_are_a_row_of_one_column_at_the_end_too(monkeypatch, models, in_c):
    if not in_c:
        monkeypatch.setattr(codec, "csv_rows", None)
    numbers, _ = decode(b'1\n""\n3\n""\n', CSV, models["one column"])
    np.testing.assert_array_equal(numbers, [[1.0], [np.nan], [3.0], [np.nan]])


@pytest.mark.parametrize("quote", [str, lambda cell: '"' + cell.replace('"', '""') + '"'])
@pytest.mark.parametrize("columns", ["levels", "numbers", "one column"])
def test_a_formula_that_only_shows_a_text_is_that_text(models, tables, columns, quote):
    model = models[columns]
    rows = [[str(plain(cell)) for cell in row] for row in tables[model.names].head(7).to_numpy(dtype=object)]
    formulas = [[quote(f'="{cell}"') for cell in row] for row in [model.names, *rows]]
    numbers, levels = decode(lines(*map(written, formulas)).encode(), CSV, model)
    meant = decode(lines(*map(written, rows)).encode(), CSV, model)
    np.testing.assert_array_equal(numbers, meant[0])
    assert levels == meant[1]


def test_a_list_of_cells_is_a_row_for_each_of_one_column(models):
    for body, content_type in ((b"[1, null, 3]", JSON), (b'{"instances": [1, "", 3]}', JSON)):
        numbers, _ = decode(body, content_type, models["one column"])
        np.testing.assert_array_equal(numbers, [[1.0], [np.nan], [3.0]])
    np.testing.assert_array_equal(decode(b"1\n3\n", JSON_LINES, models["one column"])[0], [[1.0], [3.0]])


def test_what_powershell_counts_may_have_the_name_of_a_column():
    model = model_of(mixed(rows=40, gaps=False)[["size", "target"]].assign(count=[*range(40)]))
    body = {"value": [{"size": 0.5, "count": 7}], "Count": 1}
    assert decode(json.dumps(body).encode(), JSON, model)[0].tolist() == [[0.5, 7.0]]
    body["Size"] = 0.5
    assert "has the columns 'value'" in refusal_of(json.dumps(body), JSON, model)


@pytest.mark.parametrize("body", [{"data": [[1, 2]]}, [{"shape": [2], "data": [1, 2]}]])
def test_what_has_no_name_is_not_the_column_none(body):
    model = model_of(mixed(rows=40)[["size", "income", "target"]].rename(columns={"income": "None"}))
    assert decode(json.dumps(body).encode(), JSON, model)[0].tolist() == [[1, 2]]


def test_a_line_of_json_has_one_row(models):
    said = refusal_of(
        '{"instances": [[1, 2]]}\n{"instances": [[1, 2], [3, 4]]}', JSON_LINES, models["numbers"]
    )
    assert said == "Line 2 does not have one row; send one in each line."


def test_lists_under_another_name_are_no_cells_of_one_column(models):
    refused = refusal_of('{"prices": [[1], [2]]}', JSON, models["one column"])
    assert refused.startswith("The body has the keys 'prices', which are not columns")


def test_a_tensor_of_another_shape_is_refused(models):
    body = {"inputs": [{"name": "x", "shape": [4, 1], "data": [1, 2, 3, 4]}]}
    assert refusal_of(json.dumps(body), JSON, models["numbers"]) == "Row 1 has 1 cell; this model needs 2."
    body["inputs"][0]["shape"] = [3, 2]
    refused = refusal_of(json.dumps(body), JSON, models["numbers"])
    assert refused.startswith("The body has the keys 'name', 'shape', 'data', which are not columns")


def with_days_as(form, timed=False):
    """A model whose dates, with or without a time of day, are written in a format."""
    table = dated(rows=40)[["moment" if timed else "day", "size", "target"]]
    one = fit(table.rename(columns={"moment": "day"}), "NaiveBayes", "binary")
    columns = [
        column | ({"format": form} if column["name"] == "day" else {}) for column in one.manifest["columns"]
    ]
    return PortableModel(one.manifest | {"columns": columns}, one.arrays)


@pytest.mark.parametrize("form", ["%H:%M", "%m/%Y", "%B %Y"])
@pytest.mark.parametrize("sent", ["2024-01-31", 1706659200000])
def test_a_time_of_day_or_a_month_is_not_asked_for_by_a_date(form, sent):
    said = refusal_of(json.dumps([{"day": sent, "size": 1}]), JSON, with_days_as(form))
    assert said.startswith(f"Row 1, column 'day': {str(sent)!r} is not a date")


@pytest.mark.parametrize("form", ["%d.%m.%Y", "%m/%d/%y", "%d %b %Y"])
@pytest.mark.parametrize("sent", ["2024-01-31", "2024-01-31T00:00:00.000Z", 1706659200000, 1706659200000.0])
def test_a_date_may_be_iso_or_in_milliseconds_whatever_the_table_writes(form, sent):
    model = with_days_as(form)
    place = model.numeric.index(model.names.index("day"))
    numbers, _ = decode(json.dumps([{"day": sent, "size": 1}]).encode(), JSON, model)
    assert numbers[0, place] == 19753.0
    for other in ("2024-02-30", "20240131", 20240131, 45322, 1706659200, "2024-01-31-1", True):
        assert "is not a date" in refusal_of(json.dumps([{"day": other, "size": 1}]), JSON, model)


@pytest.mark.parametrize(
    ("sent", "day"),
    [
        (-275616000000, -3190.0),
        (311040000000, 3600.0),
        (-275616000000.0, -3190.0),
        ("/Date(-275616000000)/", -3190.0),
        ("/Date(1706659200000+0100)/", 19753.0),
    ],
)
def test_milliseconds_are_of_any_year_in_which_people_were_born(sent, day):
    model = with_days_as("%d.%m.%Y")
    numbers, _ = decode(json.dumps([{"day": sent, "size": 1}]).encode(), JSON, model)
    assert numbers[0, model.numeric.index(model.names.index("day"))] == day
    for other in (202401311030, -86400000, 2e10, "/Date(x)/", "Date(1706659200000)"):
        assert "is not a date" in refusal_of(json.dumps([{"day": other, "size": 1}]), JSON, model)


MIDNIGHT, MORNING = 19753.0, 19753.0 + (9 * 60 + 5) / 1440  # of January 31, 2024


@pytest.mark.parametrize(
    ("form", "sent", "day"),
    [
        # Whatever the format is: JavaScript's String(date), HTTP, Go and Java.
        ("ISO8601", "Wed Jan 31 2024 09:05:00 GMT+0000 (Coordinated Universal Time)", MORNING),
        ("ISO8601", "Wed Jan 31 2024 10:05:00 GMT+0100 (Mitteleurop\u00e4ische Normalzeit)", MORNING),
        ("%d.%m.%Y %H:%M", "Wed, 31 Jan 2024 09:05:00 GMT", MORNING),
        ("ISO8601", "2024-01-31 11:05:00.25 +0200 CEST", MORNING),
        ("ISO8601", "2024-01-31T09:05Z[UTC]", MORNING),
        ("%m/%d/%y %H:%M", [2024, 1, 31, 9, 5], MORNING),
        ("%d.%m.%Y", [2024, 1, 31], MIDNIGHT),
        # .NET, Access and Excel: more of the time or of the year than the table has.
        ("%d.%m.%Y", "31.01.2024 00:00:00", MIDNIGHT),
        ("%m/%d/%Y", "1/31/2024 12:00:00 AM", MIDNIGHT),
        ("%d.%m.%Y %H:%M", "31.01.2024 09:05:00", MORNING),
        ("%m/%d/%Y %H:%M", "1/31/2024 9:05:00 AM", MORNING),
        ("%m/%d/%Y %I:%M %p", "1/31/2024, 9:05:00\u202fAM", MORNING),
        ("%d-%b-%y", "31-Jan-2024", MIDNIGHT),
        ("%d-%b-%y", "31-JAN-2024 00:00:00", MIDNIGHT),
    ],
)
def test_a_date_may_have_more_than_the_table_writes(form, sent, day):
    model = with_days_as(form, timed=day == MORNING)
    days, _ = decode(json.dumps([{"day": sent, "size": 1}]).encode(), JSON, model)
    assert days.max() == pytest.approx(day, abs=1e-6)


@pytest.mark.parametrize(
    "sent",
    [
        "Wed Jan 31 2024 00:00:00 GMT+0200 (Eastern European Standard Time)",
        "2024-01-31T00:00:00.000-08:00",
        "31.01.2024 14:30",
        "31.01.2024 12:00:00 AM",
    ],
)
def test_in_a_column_of_days_the_day_that_is_written_counts(sent):
    model = with_days_as("%d.%m.%Y")
    assert decode(json.dumps([{"day": sent, "size": 1}]).encode(), JSON, model)[0].max() == MIDNIGHT


@pytest.mark.parametrize("form", ["%d.%m.%Y", "ISO8601"])
@pytest.mark.parametrize(
    "sent",
    [
        "2024-01-31T23:30:00Z",
        "2024-01-31 23:59:59.999999",
        "2024-01-31T23:30:00-05:00",
        "2024-01-31Z",  # XML's
        "2024-01-31+02:00",
        "2024-01-31-05:00",
        1706743800000,
        [2024, 1, 31, 23, 30],
    ],
)
def test_in_a_column_of_days_a_moment_has_no_part_of_the_next_day(sent, form):
    rows = json.dumps([{"day": sent, "size": 1}, {"day": None, "size": 2}]).encode()
    (day, _), (gap, _) = decode(rows, JSON, with_days_as(form))[0][:, ::-1]
    assert day == MIDNIGHT
    assert np.isnan(gap)


@pytest.mark.parametrize(
    ("form", "sent"),
    [
        ("%d.%m.%Y", "31.01.24"),  # of which century?
        ("%d.%m.%Y", "01/31/2024 00:00:00"),
        ("%m/%d/%Y %I:%M %p", "1/31/2024 9:05"),
        ("%d.%m.%Y", [2024, 13, 31]),
        ("%d.%m.%Y", [2024, 1]),
        ("%d.%m.%Y", [2024, 1, True]),
        ("%m/%Y", [2024, 1, 31]),
        ("%H:%M", [9, 5, 0]),
        ("%d.%m.%Y", {}),
        ("%H:%M", {}),
        ("ISO8601", "Wed Jan 32 2024 09:05:00 GMT+0000"),
    ],
)
def test_a_date_that_may_be_another_is_refused(form, sent):
    said = refusal_of(json.dumps([{"day": sent, "size": 1}]), JSON, with_days_as(form))
    assert said.startswith("Row 1, column 'day': ") and "is not a date" in said


@pytest.mark.parametrize(
    ("form", "sent", "minutes"),
    [
        ("%H:%M", "9:05 AM", 545),
        ("%H:%M:%S", "09:05:30 pm", 1265.5),
        ("%H:%M", "1900-01-01 09:05:00", 545),
        ("%H:%M", "0001-01-01T09:05:00", 545),
        ("%H:%M", "1899-12-30 09:05", 545),
        ("%H:%M", "09:05:00", 545),
        ("%H:%M", "9:05:00.000", 545),
        ("%H:%M:%S", "09:05:30.5", 545.5 + 0.5 / 60),
        ("%H:%M:%S.%f", "09:05:30", 545.5),
    ],
)
def test_a_time_may_be_as_precise_as_programs_write_it(form, sent, minutes):
    model = with_days_as(form)
    numbers, _ = decode(json.dumps([{"day": sent, "size": 1}]).encode(), JSON, model)
    assert numbers[0, model.numeric.index(model.names.index("day"))] * 1440 == pytest.approx(minutes)


@pytest.mark.parametrize(
    ("form", "sent"), [("%H:%M", "09:05:30"), ("%H:%M:%S", "09:05"), ("%I:%M %p", "09:05:00")]
)
def test_a_time_that_may_be_another_is_refused(form, sent):
    assert "'day'" in refusal_of(json.dumps([{"day": sent, "size": 1}]), JSON, with_days_as(form))


@pytest.mark.parametrize("sent", ["1706659200000", " 1706659200000 "])
def test_milliseconds_may_be_a_text_as_in_csv(sent):
    model = with_days_as("%d.%m.%Y")
    numbers, _ = decode(json.dumps([{"day": sent, "size": 1}]).encode(), JSON, model)
    assert numbers[0, model.numeric.index(model.names.index("day"))] == 19753.0
    assert decode(f"{sent},1\n".encode(), CSV, model)[0].tolist() == numbers.tolist()


@pytest.mark.parametrize(
    "sent",
    {
        "a moment": "202401311030",
        "a moment of two digits a year": "240131103000",
        "a day first": "310120241030",
        "a telephone number": "491701234567",
        "an article": "4006381333931",
        "a filler": "999999999999",
        "a longer filler": "9999999999999",
        "before 1970": "-275616000000",
    }.values(),
)
@pytest.mark.parametrize("form", ["%d.%m.%Y", "ISO8601"])
def test_other_digits_are_no_milliseconds_as_a_text(form, sent):
    model = with_days_as(form)
    assert "is not a date" in refusal_of(f"{sent},1\n", CSV, model)
    assert "is not a date" in refusal_of(f'[{{"day": "{sent}", "size": 1}}]', JSON, model)


def test_true_and_false_are_numbers_where_all_are_1_and_0():
    table = mixed(rows=40, gaps=False)[["size", "target"]]
    table["flag"] = [1, 0] * 20
    model = model_of(table.assign(gaps=[1.0, 0.0, np.nan, 0.0] * 10, count=[0, 1, 2, 0] * 10))
    assert [column.get("flag") for column in model.columns] == [None, True, True, None]
    for body, media_type in (
        (b"0.5,True,FALSE,1\n0.5,false,,0\n", CSV),
        (b'[[0.5, true, false, 1], [0.5, "False", null, 0]]', JSON),
    ):
        numbers, _ = decode(body, media_type, model)
        np.testing.assert_array_equal(numbers, [[0.5, 1, 0, 1], [0.5, 0, np.nan, 0]])
    for cell in ("true", '"true"'):
        assert "column 'count'" in refusal_of(f"[[0.5, 1, 0, {cell}]]", JSON, model)
    assert "column 'flag': 'yes' is not a number." in refusal_of("0.5,yes,0,1\n", CSV, model)


@pytest.mark.parametrize(
    ("one", "zero"),
    [("1,0", "0,0"), ("1,00", "0"), ("1", "-0,0"), ("1 %", "0 %"), ("+1", "0"), ("1.0", "0.0")],
)
def test_true_and_false_are_1_and_0_whatever_the_format(one, zero, tmp_path):
    lines = [f"{(one, zero)[i % 2]};{i},5;{('no', 'yes')[i % 3 == 0]}" for i in range(40)]
    (tmp_path / "t.csv").write_text("\n".join(["flag;size;target", *lines]))
    prepared = prepare(read_table([tmp_path / "t.csv"]), "target", Options())
    assert [column.kind for column in prepared.schema.columns] == ["numeric", "numeric"]
    other = fit(mixed(rows=40, gaps=False)[["size", "income", "target"]], "NaiveBayes", "binary")
    columns = [column.to_dict() for column in prepared.schema.columns]
    model = PortableModel(other.manifest | {"columns": columns}, other.arrays)
    body = f'[[true, 3.5], [false, 3.5], [1, 3.5], ["{one}", "3,5"], ["TRUE", 3.5]]'
    assert decode(body.encode(), JSON, model)[0][:, 0].tolist() == [1, 0, 1, 1, 1]


def test_true_is_a_gap_where_a_table_in_json_has_it_as_a_typing_error():
    one = fit(mixed(rows=40, gaps=False)[["size", "income", "target"]], "NaiveBayes", "binary")
    columns = [{**column, "missing": ["true"]} for column in one.manifest["columns"]]
    model = PortableModel(one.manifest | {"columns": columns}, one.arrays)
    for cell in ("true", '"true"'):
        np.testing.assert_array_equal(decode(f"[[{cell}, 2]]".encode(), JSON, model)[0], [[np.nan, 2]])
    assert "False is not a number" in refusal_of("[[false, 2]]", JSON, model)


@pytest.mark.parametrize("charset", ["klingon", "base64", "unicode_escape", "utf-7"])
def test_a_charset_that_is_not_known_is_named(models, charset):
    with pytest.raises(BadRequest, match=f"The charset '{charset}' is not supported; send UTF-8") as refusal:
        decode(b"1,2", f"text/csv; charset={charset}", models["numbers"])
    assert refusal.value.status == 415


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"columns": "size", "data": []}, "'columns' is not a list of names; send"),
        ({"columns": ["size", "income"], "data": {}}, "'data' is not a list of rows; send"),
        (
            {"columns": ["size", "income"], "data": [[1]]},
            "Row 1 is not a list of 2 cells, one for each of the 'columns'.",
        ),
        ({"columns": ["size"], "data": [[1]]}, "'columns' does not have the columns 'income'."),
    ],
)
def test_a_table_that_does_not_fit_is_refused_in_a_sentence(models, body, sentence):
    assert refusal_of(json.dumps(body), JSON, models["numbers"]).startswith(sentence)


def test_a_line_that_is_not_json_is_named(models):
    assert refusal_of("[1, 2]\n[3", JSON_LINES, models["numbers"]).startswith("Line 2 is not JSON: ")


@pytest.mark.parametrize("kind", ["[]", '{"a":1}'])
@pytest.mark.parametrize("place", range(6))
def test_a_cell_of_a_thousand_lists_in_each_other_is_refused_in_a_sentence(models, kind, place):
    opening, closing = kind.split("1") if "1" in kind else kind
    row = ["1"] * 6
    row[place] = opening * 1000 + ("1" if "1" in kind else "") + closing * 1000
    sentence = refusal_of(f"[[{','.join(row)}]]", JSON, models["every kind"])
    assert sentence.startswith("Row 1, column ") and len(sentence) < 200


def test_an_index_of_which_the_name_is_no_text_is_no_index(models):
    body = {"schema": {"primaryKey": [{}, [], None, 1]}, "data": [{"size": 1, "income": 2}]}
    assert decode(json.dumps(body).encode(), JSON, models["numbers"])[0].tolist() == [[1.0, 2.0]]


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("text/csv;q=0.1, application/json", JSON),
        ("application/json;q=0.2, text/csv; q=0.9", CSV),
        ("text/csv;q=0, */*", JSON),
        ("text/html, application/json;q=0.9, */*;q=0.8", JSON),
        ("application/json;q=high, text/csv", CSV),
    ],
)
def test_the_answer_is_what_is_wanted_most(models, accept, media_type):
    prediction = models["numbers"].predict(np.array([[1.0, 2.0]]), [])
    assert encode(prediction, accept, models["numbers"])[1] == media_type


@pytest.mark.parametrize("written_by", ["CSV", "JSON", "a header"])
def test_numbers_are_read_as_the_table_wrote_them(written_by):
    """A decimal comma, a currency and a mark for a gap, as training read them."""
    table = mixed(rows=40, gaps=False)[["income", "size", "member", "target"]]
    one = fit(table, "NaiveBayes", "binary")
    number = {"decimal": ",", "thousands": ".", "affixes": ["€"]}
    columns = [dict(column) for column in one.manifest["columns"]]
    assert [column["name"] for column in columns] == ["income", "size", "member"]
    columns[0] |= {"number": number, "missing": ["k.A."]}
    columns[1] |= {"missing": ["?"]}
    model = PortableModel(one.manifest | {"columns": columns}, one.arrays)
    rows = [["1.234,50 €", 7.5, "yes"], ["-12 €", "?", "no"], ["k.A.", 2, "yes"]]
    if written_by == "JSON":
        body, content_type = json.dumps(rows), JSON
    else:
        body, content_type = lines(*(f'"{a}",{b},{c}' for a, b, c in rows)), CSV
        body = "Income,Size,Member\n" + body if written_by == "a header" else body
    numbers, _ = decode(body.encode(), content_type, model)
    np.testing.assert_array_equal(numbers, [[1234.5, 7.5, 1], [-12, np.nan, 0], [np.nan, 2, 1]])
    assert decode(b"[[1234.5, 1, true]]", JSON, model)[0][0, 0] == 1234.5
    assert decode(b"1234,1,no\n", CSV, model)[0][0, 0] == 1234
    assert "is not a number" in refusal_of("1.23,1,no\n", CSV, model)


def test_numbers_and_booleans_of_json_are_the_levels_that_the_table_writes():
    table = pd.DataFrame(
        {
            "whole": ["1", "2"] * 20,
            "point": ["1.0", "2.0"] * 20,
            "flag": ["true", "false"] * 20,
            "Flag": ["True", "False"] * 20,
            "target": ["a", "b"] * 20,
        }
    )
    options = Options(categorical=("whole", "point", "flag", "Flag"))
    model = fit(table, "LogisticRegression", "binary", options=options).model
    rows = [[1.0, 1.0, True, True], [2, 2, False, False], [1.5, 3.0, True, False], [3, 3, False, True]]
    _, found = decode(json.dumps(rows).encode(), JSON, model)
    assert found[0] == ["1", "2", "1.5", "3"]
    assert found[1] == ["1.0", "2.0", "3.0", "3.0"]
    assert found[2] == ["true", "false", "true", "false"]
    assert found[3] == ["True", "False", "False", "True"]


@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_the_delimiter_may_be_that_of_the_training_file(models, delimiter, header):
    model = models["every kind"]
    rows = dated(rows=40, gaps=False)[model.names].head(5).fillna("x")
    expected = decode(rows.to_csv(index=False, header=header).encode(), CSV, model)
    found = decode(rows.to_csv(index=False, header=header, sep=delimiter).encode(), CSV, model)
    np.testing.assert_array_equal(found[0], expected[0])
    assert found[1] == expected[1]
    with pytest.raises(BadRequest, match="Row 1 has 1 cell; this model needs"):
        decode(b"1" + delimiter.encode() + b"2", CSV, model)


def test_merged_spellings_and_words_for_missing_are_read_as_in_training():
    table = mixed(gaps=False)
    table["colour"] = table["colour"].where(table["colour"] != "red", "Red ")
    table.loc[::9, "colour"] = "n.k."
    options = Options(merge_spellings=("colour",), missing={"colour": ["n.k."]})
    model = fit(table, "LogisticRegression", "binary", options=options).model
    row = table[model.names].iloc[0].tolist()
    place = model.names.index("colour")
    levels = {}
    for cell in ("RED", "red", "Red ", "n.k.", " n.k. ", ""):
        row[place] = cell
        for content_type, body in (
            ("application/json", json.dumps([row]).encode()),
            ("text/csv", ",".join(f'"{one}"' for one in row).encode()),
        ):
            _, categories = decode(body, content_type, model)
            levels.setdefault(cell, set()).update(categories[0])
    assert levels == {
        "RED": {"Red "}, "red": {"Red "}, "Red ": {"Red "}, "n.k.": {""}, " n.k. ": {""}, "": {""}
    }  # fmt: skip


@pytest.mark.parametrize("ending", ["", ".0"])
@pytest.mark.parametrize("forced", [True, False], ids=["categorical", "missing"])
def test_a_whole_number_is_the_same_level_with_and_without_a_zero_behind_it(ending, forced):
    table = mixed(gaps=False)
    table["colour"] = table["colour"].map({"red": "1", "green": "20", "blue": "-3"}).fillna("1") + ending
    table.loc[::9, "colour"] = f"99{ending}"
    given = {"missing": {"colour": [f"99{ending}"]}, "categorical": ("colour",)} if forced else {}
    options = Options(**given or {"text": ("colour",)})
    model = fit(table, "LogisticRegression", "binary", options=options).model
    place, row = model.names.index("colour"), table[model.names].iloc[0].tolist()
    assert model.levels_of(place) > {f"1{ending}", f"20{ending}", f"-3{ending}"}
    texts = ["1", "1.0", "1.00", " 20", "20.0", "-3", "-3.0", "99", "99.0", "", "1.5", "01"]
    for cell in (*texts, 1, 1.0, 20, 99.0):
        row[place] = cell
        expected = str(cell).strip()
        if expected not in ("", "1.5", "01"):
            expected = expected.partition(".")[0] + ending
        expected = "" if forced and expected == f"99{ending}" else expected
        for content_type, body in (
            (JSON, json.dumps([row]).encode()),
            (CSV, ",".join(f'"{one}"' for one in row).encode()),
            (CSV, ",".join(map(str, row)).encode()),
        ):
            _, categories = decode(body, content_type, model)
            assert categories[model.categorical.index(place)] == [expected], (cell, content_type)


@pytest.mark.parametrize(
    "body",
    ["x,zip\n1,501\n1,00501\n1,501.0\n", '[[1, 501], [1, "00501"], [1, 501.0]]', "1,501\n1,00501\n1,501.0\n"],
)
def test_a_code_is_the_same_level_without_its_zeros(body):
    table = pd.DataFrame({"x": range(40), "zip": ["00501", "10001"] * 20, "target": ["a", "b"] * 20})
    model = fit(table, "LogisticRegression", "binary").model
    assert decode(body.encode(), JSON if body[0] == "[" else CSV, model)[1] == [["00501"] * 3]
    assert decode(b"1,123456\n1,1e3\n1,0501\n1,-501\n", CSV, model)[1] == [["123456", "1e3", "0501", "-0501"]]


@pytest.mark.parametrize("both", [False, True], ids=["padded or not", "both"])
@pytest.mark.parametrize("trained", ["red", "red  "])
def test_blanks_behind_a_level_count_only_if_they_did_in_training(trained, both):
    others = ["blue", "blue "] if both else ["blue "]
    table = pd.DataFrame({"x": range(40), "c": [trained, *others][:2] * 20, "target": ["a", "b"] * 20})
    table.loc[3, "c"] = others[-1]
    model = fit(table, "LogisticRegression", "binary").model
    assert model.levels_of(1) == ({trained, *others} if both else {"red", "blue"})
    for cell in ("red", "red  ", "red     ", " red"):
        known = cell.lstrip() if both else "red"
        for content_type, body in (
            (JSON, f'[[1, "{cell}"]]'),
            (CSV, f"1,{cell}\n"),
            (CSV, f'"1","{cell}"\n'),
        ):
            assert decode(body.encode(), content_type, model)[1] == [[known]], (cell, content_type)


@pytest.mark.parametrize(
    ("first", "content_type"),
    [(2**64 + 2**40, JSON), (-(2**63) - 9, JSON), (10**40, "application/jsonlines"), (10**40, CSV)],
)
def test_a_level_may_be_a_whole_number_of_any_length(first, content_type):
    levels = [str(first + place) for place in range(3)]
    table = pd.DataFrame({"id": levels * 20, "size": range(60), "target": ["a", "b"] * 30})
    model = fit(table, "LogisticRegression", "binary").model
    assert model.levels_of(0) == {*levels}
    for size in ("1", "1e3", "NaN"):
        rows = [f"{level}, {size}" for level in levels]
        body = {
            JSON: f"[{', '.join(f'[{row}]' for row in rows)}]",
            CSV: "\n".join(rows),
        }.get(content_type, "\n".join(f"[{row}]" for row in rows))
        assert decode(body.encode(), content_type, model)[1] == [levels]


@pytest.mark.parametrize("size", ["1" * 400, "1" * 5000, f"[{'[' * 1200}{']' * 1200}]"])
def test_a_number_too_long_for_anything_is_refused(size):
    table = pd.DataFrame({"id": ["x", "y"] * 20, "size": range(40), "target": ["a", "b"] * 20})
    model = fit(table, "LogisticRegression", "binary").model
    for other in (0, "NaN", 10**30):
        assert refusal_of(f'[["x", {size}], ["y", {other}]]', JSON, model)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (lambda names: f"size,income,{'x,' * (len(names) - 1)}x\n1,2", CSV),
        (lambda names: json.dumps({"columns": ["size", "income", *names], "data": []}), JSON),
        (lambda names: json.dumps([{"size": 1, "income": 2} | dict.fromkeys(names, 1)]), JSON),
    ],
    ids=["CSV", "pandas' split", "JSON objects"],
)
def test_not_each_of_very_many_names_is_looked_at(models, monkeypatch, body, content_type):
    model, looked = models["numbers"], []
    place_of = type(model).place_of
    monkeypatch.setattr(
        type(model), "place_of", lambda self, name: looked.append(name) or place_of(self, name)
    )
    sentence = refusal_of(body([str(number) for number in range(100_000)]), content_type, model)
    assert re.search(r"(has|have) 100,?00[12] (cells|names); this model needs 2\.$", sentence), sentence
    assert len(looked) < 1000
