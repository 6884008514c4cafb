"""A fleet: each row goes to the model of its partition, wherever it stands in a request."""

import json
import shutil
from dataclasses import replace

import numpy as np
import orjson
import pytest
from support.container.tables import fit, mixed
from tabular.judging.agreement import as_model_input
from tabular.portable import fleet
from tabular.portable.files import load_model, save_model
from tabular.portable.fleet import OWN, PARTITIONS, save_fleet
from tabular.portable.model import PortableModel, UnusableModel
from tabular.serving.codec import decode, encode
from tabular.serving.models import needed_bytes
from tabular.serving.server import _answer
from tabular.spec.options import Options

STORES = ("north", "01", "1")
OF_OWN = {"north": "LogisticRegression", "1": "XGBoost"}


@pytest.fixture(scope="module", params=["binary", "regression"])
def stores(request, tmp_path_factory):
    """A fleet of three stores on disk, two of which have a model of their own, and its parts."""
    task, folder = request.param, tmp_path_factory.mktemp("fleet")
    table = whole_table(task)
    pooled = fit(table, "LightGBM", task, options=Options(partition=("store",)))
    save_model(folder / "pooled", pooled.manifest, pooled.arrays)
    own = {
        store: fit(table[table["store"] == store].drop(columns=["store", "colour"]), name, task)
        for store, name in OF_OWN.items()
    }
    partitions = []
    for store in STORES:
        one = own.get(store)
        model = one and {
            "columns": [column["name"] for column in one.manifest["columns"]],
            **{name: one.manifest[name] for name in ("encodings", "estimator")},
        }
        partitions.append(({"key": [store], "model": model}, one and one.arrays))
    save_fleet(folder / "fleet", pooled.schema.to_dict(), folder / "pooled", partitions)
    return folder / "fleet", pooled, own


def whole_table(task):
    """A table of three stores."""
    table = mixed(task, rows=240).drop(columns="code")
    table.insert(2, "store", [STORES[row % 3] for row in range(len(table))])
    return table


def asked(pooled, stores):
    """Rows of the table, which are said to be of these stores."""
    frame = pooled.frame.head(len(stores)).copy()
    frame["store"] = list(stores)
    return as_model_input(frame, pooled.schema), frame


def same(found, expected, rows):
    """Check predictions of some rows against those of a single model, to the last bit."""
    assert [found.labels[row] for row in rows] == expected.labels
    if expected.probabilities is not None:
        assert np.array_equal(found.probabilities[rows], expected.probabilities.astype(np.float64))


def test_rows_go_to_the_models_of_their_partitions_and_come_back_in_order(stores):
    folder, pooled, own = stores
    model = load_model(folder)
    order = ["1", "north", "01", "elsewhere", "1", "", "north", "NORTH", "1"]
    inputs, frame = asked(pooled, order)
    found = model.predict(*inputs)
    assert found.served_by == {"own": 5, "pooled": 1, "unknown": 3}
    for store in OF_OWN:
        rows = [row for row, name in enumerate(order) if name == store]
        one = own[store]
        alone = frame.iloc[rows][[column.name for column in one.schema.columns]]
        same(found, one.model.predict(*as_model_input(alone, one.schema)), rows)
    rest = [row for row, name in enumerate(order) if name not in OF_OWN]
    same(found, pooled.model.predict(*as_model_input(frame.iloc[rest], pooled.schema)), rest)


def test_an_answer_does_not_depend_on_the_rows_beside_it(stores):
    folder, pooled, _ = stores
    model = load_model(folder)
    inputs, frame = asked(pooled, [*STORES, "elsewhere"] * 4)
    together = model.predict(*inputs)
    for row in range(len(frame)):
        same(together, model.predict(*as_model_input(frame.iloc[[row]], pooled.schema)), [row])


def test_own_models_are_built_when_they_are_first_asked(stores, monkeypatch):
    folder, pooled, _ = stores
    built = []

    class Counted(PortableModel):
        def __init__(self, manifest, arrays):
            built.append(len(manifest["columns"]))
            super().__init__(manifest, arrays)

    model = load_model(folder)
    monkeypatch.setattr(fleet, "PortableModel", Counted)
    for store, models in (("01", 0), ("north", 1), ("north", 1), ("elsewhere", 1), ("1", 2)):
        model.predict(*asked(pooled, [store])[0])
        assert len(built) == models
    assert model.size == 3
    assert model.own(("01",)) is None
    assert model.are_among(model.names), "a header names its columns, as for any model"
    assert model.own(("north",)) is not None


@pytest.mark.parametrize("content_type", ["application/json", "text/csv"])
def test_a_request_says_which_kinds_of_models_answered(stores, content_type):
    folder, pooled, _ = stores
    model = load_model(folder)
    rows = [
        {"colour": "red", "size": 0.5, "store": store, "member": "yes", "income": 10}
        for store in ("north", "01", "elsewhere")
    ]
    body = orjson.dumps({"instances": rows})
    if content_type == "text/csv":
        lines = [",".join(rows[0]), *(",".join(map(str, row.values())) for row in rows)]
        body = "\n".join(lines).encode()
    answer = _answer(model, body, content_type, "application/json", False)
    assert answer.attributes == b"own=1,pooled=1,unknown=1"
    prediction = model.predict(*decode(body, content_type, model))
    assert (answer.body, answer.content_type) == encode(prediction, "application/json", model)
    assert _answer(pooled.model, body, content_type, "text/csv", False).attributes == b""


def test_json_may_send_a_partition_as_a_number(stores):
    folder, *_ = stores
    model = load_model(folder)
    row = {"colour": "red", "size": 0.5, "store": 1, "member": "yes", "income": 10}
    body = orjson.dumps({"instances": [row]})
    assert model.predict(*decode(body, "application/json", model)).served_by["own"] == 1


def test_a_partition_may_keep_an_earlier_pooled_model(stores, tmp_path):
    folder, pooled, _ = stores
    earlier = fit(
        whole_table(pooled.schema.task), "NaiveBayes", pooled.schema.task, options=pooled.schema.options
    )
    save_model(tmp_path / "earlier", earlier.manifest, earlier.arrays)
    lines = [{"key": [store], "model": None, "former": store == "01"} for store in STORES]
    partitions = [(line, None) for line in lines]
    whole = tmp_path / "fleet"
    save_fleet(whole, pooled.schema.to_dict(), folder / "pooled", partitions, former=tmp_path / "earlier")
    model = load_model(whole)
    assert [model.served_by((store,)) for store in (*STORES, "new")] == ["pooled", "former", "pooled", None]
    order = ["north", "01", "new", "01"]
    inputs, frame = asked(pooled, order)
    found = model.predict(*inputs)
    assert found.served_by == {"own": 0, "pooled": 3, "unknown": 1}
    some = as_model_input(frame.iloc[[1, 3]], pooled.schema)
    same(found, load_model(tmp_path / "earlier").predict(*some), [1, 3])
    same(found, pooled.model.predict(*as_model_input(frame.iloc[[0, 2]], pooled.schema)), [0, 2])
    assert needed_bytes(str(whole)) > needed_bytes(str(tmp_path / "earlier")) + needed_bytes(
        str(folder / "pooled")
    )
    shutil.rmtree(whole / "former")
    with pytest.raises(UnusableModel, match="has an earlier model that is not there"):
        load_model(whole)


def test_only_the_models_that_were_asked_last_are_kept(stores, monkeypatch):
    folder, pooled, _ = stores
    monkeypatch.setattr(fleet, "BUILT", 1)
    few, all_of_them = load_model(folder), load_model(folder)
    monkeypatch.setattr(fleet, "BUILT", 2)
    inputs, _ = asked(pooled, ["1", "north", "1", "north"])
    expected = all_of_them.predict(*inputs)
    monkeypatch.setattr(fleet, "BUILT", 1)
    for _ in range(2):
        found = few.predict(*inputs)
        assert found.labels == expected.labels
        assert list(few._built) == [("north",)]
    assert len(all_of_them._built) == 2


def test_the_memory_of_all_models_is_counted(stores):
    folder, *_ = stores
    files = [folder / OWN, folder / "pooled" / "model.safetensors"]
    assert needed_bytes(str(folder)) > sum(file.stat().st_size for file in files)


def test_partitions_may_come_one_after_the_other(stores, tmp_path):
    folder, pooled, _ = stores
    partitions = (({"key": [str(number)], "model": None}, None) for number in range(3))
    save_fleet(tmp_path, pooled.schema.to_dict(), folder / "pooled", partitions)
    assert load_model(tmp_path).keys() == [("0",), ("1",), ("2",)]


def _line(change):
    def harm(folder):
        lines = [json.loads(line) for line in (folder / PARTITIONS).read_text().splitlines()]
        change(lines)
        (folder / PARTITIONS).write_text("".join(f"{json.dumps(line)}\n" for line in lines))

    return harm


HARMS = {
    "is there twice": _line(lambda lines: lines.append(lines[0])),
    "has the key": _line(lambda lines: lines[0].update(key=["a", "b"])),
    "are not in the file": _line(lambda lines: lines[0].update(arrays=[0, 1 << 40])),
    "columns that the table does not have": _line(
        lambda lines: lines[0]["model"]["columns"].append("nowhere")
    ),
}


@pytest.mark.parametrize("said", HARMS)
def test_files_that_do_not_fit_together_are_refused(stores, tmp_path, said):
    folder, *_ = stores
    copy(folder, tmp_path)
    HARMS[said](tmp_path)
    sign(tmp_path)
    with pytest.raises(UnusableModel, match=said):
        load_model(tmp_path)


@pytest.mark.parametrize("name", [OWN, PARTITIONS, "pooled/manifest.json"])
def test_files_that_have_changed_or_gone_are_refused(stores, tmp_path, name):
    folder, *_ = stores
    copy(folder, tmp_path)
    with (tmp_path / name).open("ab") as file:
        file.write(b"\n")
    with pytest.raises(UnusableModel, match="SHA-256 of"):
        load_model(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(UnusableModel, match="has no"):
        load_model(tmp_path)


def test_a_fleet_of_another_version_is_refused(stores, tmp_path):
    folder, *_ = stores
    copy(folder, tmp_path)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    (tmp_path / "manifest.json").write_text(json.dumps(manifest | {"format_version": 9}))
    with pytest.raises(UnusableModel, match="version is 9"):
        load_model(tmp_path)


def test_a_pooled_model_of_another_table_is_refused(stores, tmp_path):
    folder, pooled, _ = stores
    schema = replace(pooled.schema, columns=pooled.schema.columns[::-1])
    with pytest.raises(UnusableModel, match="other columns"):
        save_fleet(tmp_path, schema.to_dict(), folder / "pooled", [])
        load_model(tmp_path)


def copy(folder, target):
    """A copy that a test may harm."""
    for file in folder.rglob("*"):
        if file.is_file():
            (target / file.relative_to(folder)).parent.mkdir(exist_ok=True)
            (target / file.relative_to(folder)).write_bytes(file.read_bytes())


def sign(folder):
    """Write the SHA-256 of the files as they are now, as somebody would who harms them on purpose."""
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"] = {name: fleet._digest(folder / name) for name in manifest["files"]}
    (folder / "manifest.json").write_text(json.dumps(manifest))
