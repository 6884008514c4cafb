"""Columns of a request that the table had twice, with the same cells, so that the model has learnt one."""

import json

import pandas as pd
import pytest
from support.container.tables import fit
from tabular.data.preparation.prepare import prepare
from tabular.data.tables import read_table
from tabular.portable.model import PortableModel
from tabular.serving.codec import BadRequest, decode
from tabular.spec.columns import Schema
from tabular.spec.options import Options

CSV, JSON, JSON_LINES = "text/csv", "application/json", "application/jsonlines"


@pytest.fixture(scope="module")
def schema(tmp_path_factory) -> Schema:
    path = tmp_path_factory.mktemp("table") / "table.csv"
    rows = [f'"{i},5",{"ab"[i % 2]},"{i},5",{"ab"[i % 2]},{"yn"[i % 2]}' for i in range(40)]
    path.write_text("\n".join(["size,kind,size,kind,target", *rows]))
    return prepare(read_table([path], target="target"), "target", Options()).schema


@pytest.fixture(scope="module")
def model(schema) -> PortableModel:
    table = pd.DataFrame({"size": [*range(40)], "kind": ["a", "b"] * 20, "target": ["y", "n"] * 20})
    one = fit(table, "NaiveBayes", "binary")
    return PortableModel(one.manifest | schema.to_dict(), one.arrays)


def of_objects(*rows):
    return json.dumps([dict(zip(("size", "size.1", "kind", "kind.1"), row, strict=True)) for row in rows])


def test_a_schema_tells_which_columns_are_copies(schema):
    assert schema.copies == {"size.1": "size", "kind.1": "kind"}
    assert schema.others == ("size.1", "kind.1")
    assert Schema.from_dict(json.loads(json.dumps(schema.to_dict()))) == schema


def test_a_copy_of_a_column_that_is_no_feature_is_only_another_column(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("\n".join(["id,x,id,target", *(f"k{i},{i},k{i},{'yn'[i % 2]}" for i in range(40))]))
    options = Options(drop=("id",))
    found = prepare(read_table([path], options, "target"), "target", options).schema
    assert found.copies == {} and set(found.others) == {"id", "id.1"}
    assert "copies" not in found.to_dict()


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (CSV, 'size,kind,size,kind\n"1,5",a,"1,5",a\n"2,5",b,"3,5",b\n'),
        (CSV, 'SIZE.1;size\u00a0;kind\n"1,5";"1,5";a\n3,5;2,5;b\n'),
        (JSON, of_objects(("1,5", "1,5", "a", "a"), ("2,5", "3,5", "a", "a"))),
        (JSON, '[{"size": 1.5, "size": 1.5, "kind": "a"}, {"size": 2.5, "size.1": 3.5, "kind": "a"}]'),
        (JSON, '{"columns": ["kind", "size.1", "size"], "data": [["a", 1.5, 1.5], ["b", 3.5, 2.5]]}'),
        (JSON, '{"size": [1.5, 2.5], "size.1": [1.5, 3.5], "kind": ["a", "b"]}'),
        (JSON_LINES, '{"size": 1.5, "kind": "a"}\n{"size": 2.5, "size.1": 3.5, "kind": "a"}'),
    ],
)
def test_a_row_in_which_a_copy_differs_is_refused_by_name(model, content_type, body):
    said = (
        r"^Row 2 has .?2.5.? and .?3.5.? in two columns named .size., whose cells were the same in training; "
    )
    with pytest.raises(BadRequest, match=said):
        decode(body.encode(), content_type, model)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (CSV, 'size,kind,size,kind\n"1,5",a,"1,50",a\n,b,NA,b\n'),
        (CSV, 'size,kind,size,kind\n"1,5",a,"1,50",a\n\\N,b,undefined,b\n'),
        (CSV, 'kind,size\na,"1,5"\nb,\n'),
        (JSON, of_objects((1.5, "1,5", "a", "a"), (None, "", "b", "b"))),
    ],
)
def test_a_copy_may_be_written_otherwise_or_left_out(model, content_type, body):
    numbers, levels = decode(body.encode(), content_type, model)
    assert numbers[0, 0] == 1.5 and numbers[1, 0] != numbers[1, 0]
    assert levels == [["a", "b"]]


def test_a_gap_differs_from_a_number_and_a_level_from_another(model):
    for row, column in (('"1,5",a,,a', "size"), ('"1,5",a,"1,5",b', "kind"), ('"1,5",a,x,a', "size")):
        with pytest.raises(BadRequest, match=f"^Row 1 has .* in two columns named '{column}'"):
            decode(f"size,kind,size,kind\n{row}\n".encode(), CSV, model)


def test_a_model_that_does_not_tell_its_copies_is_served_as_before(model, schema):
    table = pd.DataFrame({"size": [*range(40)], "kind": ["a", "b"] * 20, "target": ["y", "n"] * 20})
    one = fit(table, "NaiveBayes", "binary")
    told = {name: value for name, value in schema.to_dict().items() if name != "copies"}
    numbers, _ = decode(b"size,kind,size\n1,a,2\n", CSV, PortableModel(one.manifest | told, one.arrays))
    assert numbers.tolist() == [[1.0]]


def test_a_model_of_a_part_of_the_table_may_lack_the_column_that_was_copied():
    one = fit(pd.DataFrame({"size": [*range(40)], "target": ["y", "n"] * 20}), "NaiveBayes", "binary")
    copies = {"others": ["kind", "kind.1", "size.1"], "copies": {"kind.1": "kind", "size.1": "size"}}
    model = PortableModel(one.manifest | copies, one.arrays)
    assert decode(b"size,kind,kind,size\n1,a,b,1\n", CSV, model)[0].tolist() == [[1.0]]
    with pytest.raises(BadRequest, match="two columns named 'size'"):
        decode(b"size,kind,kind,size\n1,a,b,2\n", CSV, model)
