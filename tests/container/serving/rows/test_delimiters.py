"""Lines without a header that have as many cells with another delimiter as with commas."""

import pandas as pd
import pytest
from support.container.tables import fit
from tabular.data.preparation.prepare import prepare
from tabular.data.tables import read_table
from tabular.portable.model import PortableModel
from tabular.serving.codec import BadRequest, decode
from tabular.spec.options import Options

CSV = "text/csv"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A function that makes a model of a table of some columns, as its file writes them."""

    def made(columns: dict[str, list[str]]) -> PortableModel:
        table = pd.DataFrame({name: cells * 12 for name, cells in columns.items()})
        table["target"] = [*"yn"] * (len(table) // 2)
        path = tmp_path_factory.mktemp("table") / "table.csv"
        table.to_csv(path, sep=";", index=False)
        schema = prepare(read_table([path], target="target"), "target", Options()).schema
        plain = {
            name: [float(cell.replace(",", ".")) for cell in cells] if cells[0][0].isdigit() else cells
            for name, cells in columns.items()
        }
        numbers = pd.DataFrame({name: cells * 12 for name, cells in plain.items()})
        one = fit(numbers.assign(target=table["target"]), "NaiveBayes", "binary")
        return PortableModel(one.manifest | schema.to_dict(), one.arrays)

    return made


SIZES = ["1,5", "2,25", "3,75", "10,5"]
COLOURS = ["red", "green", "blue", "light grey"]


@pytest.mark.parametrize("others", [0, 5000])  # a long body is read bit by bit
@pytest.mark.parametrize(
    ("columns", "body", "numbers", "levels"),
    [
        ({"member": [*"tftf"], "size": SIZES}, "t;3,5\n", [3.5, 1.0], []),
        ({"colour": COLOURS, "size": SIZES}, "red;3,5\n", [3.5], ["red"]),
        ({"colour": COLOURS, "size": SIZES}, "\npink;3,5\n", [3.5], ["pink"]),
        ({"size": SIZES, "width": ["1", "2", "3", "4"]}, "3,5;2\n", [3.5, 2.0], []),
        ({"colour": COLOURS, "size": SIZES, "width": SIZES}, "red|3,5|2,5\n", [3.5, 2.5], ["red"]),
        ({"colour": COLOURS, "size": SIZES}, "red\t3,5\n", [3.5], ["red"]),
    ],
)
def test_a_decimal_comma_shows_that_another_sign_is_the_delimiter(
    model, columns, body, numbers, levels, others
):
    found, categories = decode((body + body.strip("\n") + "\n" * others).encode(), CSV, model(columns))
    assert found.tolist() == [numbers] * 2
    assert [level for (level, _) in categories] == levels


@pytest.mark.parametrize(
    ("body", "level", "number"),
    [
        ("red;green,3\n", "red;green", 3.0),
        ("red;b,3\n", "red;b", 3.0),
        ("pink;b,7\n", "pink;b", 7.0),
        ("no;5 ,3\n", "no;5", 3.0),
    ],
)
def test_a_text_with_another_sign_in_it_stays_whole_if_commas_say_as_much(model, body, level, number):
    one = model({"colour": COLOURS, "size": ["1", "2", "3", "4"]})
    numbers, ((found,),) = decode(body.encode(), CSV, one)
    assert (found.strip(), numbers.tolist()) == (level, [[number]])


def test_a_decimal_comma_is_refused_where_the_table_has_points(model):
    one = model({"colour": COLOURS, "size": ["1", "2", "3", "4"]})
    with pytest.raises(BadRequest, match=r"^Row 1, column 'size': '3,5' is not a number"):
        decode(b"red;3,5\n", CSV, one)
