"""A model's files come from anywhere: what cannot be served is refused when it is loaded, by name."""

import copy
import hashlib
import json
import math
import random
import struct
from pathlib import Path

import numpy as np
import pytest
from support.container import golden
from support.container.tables import MODELS, fitted, nasty
from tabular.judging.agreement import as_model_input
from tabular.portable import model as portable_model
from tabular.portable.files import load_model, save_model
from tabular.portable.model import PortableModel, UnusableModel
from tabular.spec.algorithms import ALGORITHMS

GOLDEN = Path(__file__).parent / "golden"
GOLDEN_MODELS = sorted(path.parent for path in GOLDEN.rglob("manifest.json"))


@pytest.fixture
def folder(tmp_path):
    one = fitted("XGBoost", "binary")
    save_model(tmp_path, one.manifest, one.arrays)
    return tmp_path


def edit(folder, **changed):
    """Change entries of a manifest; None takes one away."""
    manifest = json.loads((folder / "manifest.json").read_text()) | changed
    kept = {name: value for name, value in manifest.items() if value is not None}
    (folder / "manifest.json").write_text(json.dumps(kept))


def give_arrays(folder, contents):
    """Replace the arrays and name their digest in the manifest, as an attacker would."""
    (folder / "model.safetensors").write_bytes(contents)
    edit(folder, files={"model.safetensors": hashlib.sha256(contents).hexdigest()})


def safetensors(header, data=b""):
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


@pytest.mark.parametrize("file", ["manifest.json", "model.safetensors"])
def test_a_missing_file_is_named(folder, file):
    (folder / file).unlink()
    with pytest.raises(UnusableModel, match=rf"^The model has no {file}\.$"):
        load_model(folder)


def test_a_folder_that_is_not_there_or_is_none_is_refused(folder):
    with pytest.raises(UnusableModel, match="has no manifest"):
        load_model(folder / "absent")
    with pytest.raises(UnusableModel, match="cannot be read"):
        load_model(folder / "manifest.json")
    with pytest.raises(UnusableModel, match="cannot be read"):
        load_model(Path("/models/\0"))


@pytest.mark.parametrize("content", ["", "{", "[" * 100_000, "not JSON", "\xff", '{"format_version": 1'])
def test_a_manifest_that_is_no_json_is_refused(folder, content):
    (folder / "manifest.json").write_bytes(content.encode("latin-1"))
    with pytest.raises(UnusableModel, match=r"manifest\.json cannot be read"):
        load_model(folder)


@pytest.mark.parametrize("content", ["[]", "3", "null", '"text"', "{}"])
def test_a_manifest_that_is_no_manifest_is_refused(folder, content):
    (folder / "manifest.json").write_text(content)
    with pytest.raises(UnusableModel, match=r"format version is None; this server reads 1 and 2\."):
        load_model(folder)


@pytest.mark.parametrize("version", [0, 3, "1", [1]])
def test_another_format_version_is_refused_with_those_that_are_read(folder, version):
    edit(folder, format_version=version)
    with pytest.raises(UnusableModel) as refused:
        load_model(folder)
    assert str(refused.value) == f"The model's format version is {version!r}; this server reads 1 and 2."


def test_another_format_is_refused(folder):
    edit(folder, format="somebody-elses")
    with pytest.raises(UnusableModel, match="'somebody-elses'; this server reads 'tabular-portable'"):
        load_model(folder)


@pytest.mark.parametrize("harm", ["flipped", "truncated", "longer", "empty"])
def test_arrays_that_are_not_those_of_the_digest_are_refused(folder, harm):
    path = folder / "model.safetensors"
    whole = bytearray(path.read_bytes())
    if harm == "flipped":
        whole[len(whole) // 2] ^= 1
    path.write_bytes({"truncated": whole[:-9], "longer": whole + b"\0", "empty": b""}.get(harm, whole))
    with pytest.raises(
        UnusableModel, match=r"The SHA-256 of model\.safetensors is not the one in manifest\.json"
    ):
        load_model(folder)


@pytest.mark.parametrize(
    "files", [None, {}, [], "x", {"model.safetensors": "0" * 64}, {"model.safetensors": None}]
)
def test_a_manifest_must_name_the_digest(folder, files):
    edit(folder, files=files)
    with pytest.raises(UnusableModel, match="SHA-256"):
        load_model(folder)


@pytest.mark.parametrize(
    "contents",
    [
        b"",
        b"PK\x03\x04",
        struct.pack("<Q", 1 << 62),
        safetensors({"root": {"dtype": "F32", "shape": [1 << 40], "data_offsets": [0, 1 << 42]}}),
        safetensors({"root": {"dtype": "F32", "shape": [4], "data_offsets": [0, 4]}}, b"\0" * 4),
        safetensors({"root": {"dtype": "BF16", "shape": [1], "data_offsets": [0, 2]}}, b"\0" * 2),
        safetensors({"root": {"dtype": "object", "shape": [1], "data_offsets": [0, 8]}}, b"\0" * 8),
        safetensors([]),
    ],
)
def test_a_file_of_arrays_that_is_none_is_refused(folder, contents):
    give_arrays(folder, contents)
    with pytest.raises(UnusableModel, match=r"model\.safetensors cannot be read"):
        load_model(folder)


@pytest.mark.parametrize(
    ("shape", "offsets"),
    [
        *[([8], [start, start + 64]) for start in (-64, -8, 8, 1 << 63, 1 << 70)],
        *[([-1], [0, 64]), ([-1, -8], [0, 64]), ([0, -1], [0, 0])],
        *[([1 << 40], [0, 64]), ([1 << 70], [0, 64]), ([1 << 61, 8], [0, 64]), ([0, 1 << 62], [0, 0])],
        *[([9], [0, 64]), ([7], [0, 64]), ([0], [65, 65]), ([8], [64, 0])],
        *[(8, [0, 64]), (None, [0, 8]), ({}, [0, 8]), ([8.0], [0, 64]), ([[8]], [0, 64]), (["8"], [0, 64])],
        *[([8], [0.0, 64]), ([8], [False, 64]), ([8], [0, "64"]), ([8], [0])],
    ],
)
def test_an_array_must_lie_inside_its_file(folder, shape, offsets):
    about = {"dtype": "F64", "shape": shape, "data_offsets": offsets}
    give_arrays(folder, safetensors({"root": about}, bytes(64)))
    with pytest.raises(UnusableModel, match=r"model\.safetensors cannot be read"):
        load_model(folder)


def test_a_manifest_is_read_as_python_writes_it(folder):
    """NaN, a number beyond 64 bits and half a character are no JSON for the fastest parsers."""
    edit(folder, classes=["b\ud800", 10**30 + 1], scores={"cross_validation": math.nan})
    assert load_model(folder).classes == ["b\ud800", 10**30 + 1]
    edit(folder, classes=["b", 10**30 + 1], scores={})
    assert load_model(folder).classes == ["b", 10**30 + 1]


@pytest.mark.parametrize(
    "name",
    ["classes", "columns", "encodings", "estimator"],
)
def test_a_manifest_that_lacks_a_part_is_refused(folder, name):
    edit(folder, **{name: None})
    with pytest.raises(UnusableModel, match=f"do not fit together: KeyError\\('{name}'\\)"):
        load_model(folder)


def changed_model(algorithm, task="multiclass", estimator=None, arrays=None, **manifest):
    one = fitted(algorithm, task)
    whole = one.manifest | manifest
    whole["estimator"] = whole["estimator"] | (estimator or {})
    return PortableModel(whole, one.arrays | (arrays or {}))


@pytest.mark.parametrize(
    ("algorithm", "change"),
    [
        ("XGBoost", {"estimator": {"kind": "pickle"}}),
        ("XGBoost", {"estimator": {"link": "eval"}}),
        ("XGBoost", {"estimator": {"precision": "U99999999"}}),
        ("XGBoost", {"estimator": {"outputs": 2}}),
        ("XGBoost", {"estimator": {"outputs": 10**12}}),
        ("XGBoost", {"classes": [0, 10]}),
        ("XGBoost", {"classes": [0, 10, 20, 30]}),
        ("XGBoost", {"classes": []}),
        ("NaiveBayes", {"classes": [0, 10]}),
        ("LogisticRegression", {"estimator": {"link": "logistic"}}),
        ("LogisticRegression", {"estimator": {"link": "identity"}}),
        ("NeuralNet", {"estimator": {"layers": 0}}),
        ("NeuralNet", {"estimator": {"layers": 10**9}}),
        ("NeuralNet", {"estimator": {"activation": "exec"}}),
        ("NaiveBayes", {"encodings": []}),
        ("NaiveBayes", {"columns": [{"name": "size", "kind": "numeric"}]}),
        ("NaiveBayes", {"columns": [{"name": "size", "kind": "image"}] * 5}),
        ("NaiveBayes", {"columns": [{"kind": "numeric"}] * 5}),
    ],
    ids=str,
)
def test_parts_that_do_not_fit_together_are_refused(algorithm, change):
    with pytest.raises(UnusableModel, match=r"^The model's files do not fit together: "):
        changed_model(algorithm, **change)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_manifest_cannot_ask_for_more_memory_than_it_is_long(algorithm):
    """One level in a separate column, a trillion columns to the right."""
    encodings = copy.deepcopy(fitted(algorithm, "multiclass").manifest["encodings"])
    encodings[0]["width"] = 10**12
    with pytest.raises(UnusableModel, match="do not fill its columns"):
        changed_model(algorithm, encodings=encodings)
    encodings[0]["levels"]["red"] = 10**12 - 1
    with pytest.raises(UnusableModel, match="do not fill its columns"):
        changed_model(algorithm, encodings=encodings)


@pytest.mark.parametrize("position", [-1, 5, 1.5, None, "0"])
def test_a_level_outside_its_columns_is_refused(position):
    encodings = copy.deepcopy(fitted("XGBoost", "multiclass").manifest["encodings"])
    encodings[0]["levels"]["red"] = position
    with pytest.raises(UnusableModel):
        changed_model("XGBoost", encodings=encodings)


def first_split(arrays):
    return int(np.flatnonzero(arrays["left"] != np.arange(len(arrays["left"])))[0])


@pytest.mark.parametrize("algorithm", ["RandomForest", "XGBoost", "LightGBM"])
@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("left", -1, "A split leads out of its tree"),
        ("left", 1 << 30, "A split leads out of its tree"),
        ("left", 0, "does not lead to itself"),
        ("feature", -1, "A split names a feature outside"),
        ("feature", 10_000, "A split names a feature outside"),
    ],
)
def test_a_split_that_leads_out_of_its_tree_or_for_ever_is_refused(algorithm, name, value, sentence):
    array = fitted(algorithm, "multiclass").arrays[name].copy()
    array[first_split(fitted(algorithm, "multiclass").arrays)] = value
    with pytest.raises(UnusableModel, match=sentence):
        changed_model(algorithm, arrays={name: array})


@pytest.mark.parametrize("algorithm", ["RandomForest", "XGBoost", "LightGBM"])
@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("root", lambda array: array[::-1].copy()),
        ("root", lambda array: array + 1),
        ("root", lambda array: array[:0]),
        ("root", lambda array: array[None]),
        ("root", lambda array: array.astype(np.float64)),
        ("group", lambda array: array + 100),
        ("group", lambda array: array[:-1]),
        ("group", lambda array: array.astype(np.bool_)),
        ("left", lambda array: array.astype(np.float32)),
        ("left", lambda array: array + 1),
        ("feature", lambda array: array.astype(np.float32)),
        ("threshold", lambda array: array[:-1]),
        ("threshold", lambda array: np.zeros_like(array)),
        ("threshold", lambda array: array[:, None]),
        ("default_left", np.zeros_like),
        ("value", lambda array: array[:, 0]),
        ("value", lambda array: np.repeat(array, 2, axis=1)),
        ("value", lambda array: array * np.nan),
        ("base", lambda array: array[:-1]),
        ("base", lambda array: np.zeros((2, len(array)))),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_arrays_that_make_no_trees_are_refused(algorithm, name, change):
    array = change(fitted(algorithm, "multiclass").arrays[name])
    with pytest.raises(UnusableModel):
        changed_model(algorithm, arrays={name: array})


@pytest.mark.parametrize("algorithm", ["LogisticRegression", "NaiveBayes", "NeuralNet"])
@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_an_array_of_another_shape_is_refused(algorithm, task):
    arrays = fitted(algorithm, task).arrays
    for name, array in arrays.items():
        for other in (array[:-1], array[..., None], array[:0], np.concatenate([array, array])):
            with pytest.raises(UnusableModel):
                changed_model(algorithm, task, arrays={name: other})


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_an_array_that_is_not_there_is_refused(algorithm):
    one = fitted(algorithm, "multiclass")
    for absent in set(one.arrays) - {"numeric.fill", "numeric.mean", "numeric.scale"}:
        with pytest.raises(UnusableModel, match=absent):
            PortableModel(one.manifest, {name: array for name, array in one.arrays.items() if name != absent})


@pytest.mark.parametrize("absent", ["numeric.mean", "numeric.scale"])
def test_a_mean_without_a_scale_is_refused_without_a_compiler(monkeypatch, absent):
    one = fitted("LogisticRegression", "multiclass")
    monkeypatch.setattr(portable_model, "predict_in_c", None)
    with pytest.raises(UnusableModel, match="a mean without a scale"):
        PortableModel(one.manifest, {name: array for name, array in one.arrays.items() if name != absent})


def harmed(draw, value):
    """The same JSON with one value in it changed."""
    if isinstance(value, dict) and value:
        name = draw.choice(list(value))
        return value | {name: harmed(draw, value[name])}
    if isinstance(value, list) and value and draw.random() < 0.7:
        place = draw.randrange(len(value))
        return [*value[:place], harmed(draw, value[place]), *value[place + 1 :]]
    return draw.choice([None, -1, 0, 3, 10**9, 1.5, "x", "", [], {}, [value], True, [[0]]])


def is_refused(manifest, arrays):
    try:
        PortableModel(manifest, arrays)
    except UnusableModel:
        return True
    return False


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize(
    ("outputs", "link", "classes"),
    [
        (3, "logistic", [1, 2]),
        (2, "logistic", [1, 2, 3, 4]),
        (2, "logistic_single", [1, 2]),
        (1, "softmax", [1, 2]),
        (2, "identity", [1, 2]),
        (2, "identity", []),
        (1, "softmax", []),
        (513, "softmax", list(range(513))),
    ],
)
def test_a_link_that_does_not_fit_is_refused_with_and_without_a_compiler(
    monkeypatch, compiled, outputs, link, classes
):
    if not compiled:
        monkeypatch.setattr(portable_model, "predict_in_c", None)
    manifest = {
        "estimator": {"kind": "linear", "link": link, "outputs": outputs},
        "classes": classes,
        "columns": [{"name": "size", "kind": "numeric"}],
        "encodings": [],
    }
    with pytest.raises(UnusableModel, match=r"does not fit|may have 512 outputs"):
        PortableModel(manifest, {"weights": np.ones((1, outputs)), "intercept": np.zeros(outputs)})


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("algorithm", MODELS)
def test_whatever_is_changed_a_model_is_refused_or_answers(algorithm, monkeypatch):
    one = fitted(algorithm, "multiclass")
    names = ("classes", "columns", "encodings", "estimator", "members")
    parts = {name: one.manifest[name] for name in names if name in one.manifest}
    numbers, categories = as_model_input(nasty(one.frame, 5), one.schema)
    refused = 0
    for seed in range(150):
        draw = random.Random(seed)
        manifest, arrays = parts, dict(one.arrays)
        if seed % 2:
            manifest = harmed(draw, parts)
        else:
            name = draw.choice(sorted(arrays))
            array = arrays[name].copy()
            change = draw.choice(["value", "kind", "cut", "shape"])
            if change == "value":
                array.flat[draw.randrange(array.size)] = draw.choice([0, 1, 7, 100])
            arrays[name] = {
                "value": array,
                "kind": array.astype(draw.choice([np.int8, np.float16, np.int64, np.bool_])),
                "cut": array[: draw.randrange(len(array))],
                "shape": array[None],
            }[change]
        with monkeypatch.context() as without_compiler:
            without_compiler.setattr(portable_model, "predict_in_c", None)
            also_refused = is_refused(manifest, arrays)
        assert is_refused(manifest, arrays) == also_refused, seed
        if also_refused:
            refused += 1
            continue
        model = PortableModel(manifest, arrays)
        if len(model.numeric) == numbers.shape[1] and len(model.categorical) == len(categories):
            answer = model.predict(numbers, categories)
            assert len(answer.labels) == len(answer.probabilities) == 5
    assert refused > 50


def test_a_golden_model_that_is_missing_is_made_and_the_others_stay(tmp_path, monkeypatch):
    copied = tmp_path / "tests/container/portable/golden"
    for folder in GOLDEN_MODELS:
        (copied / folder.relative_to(GOLDEN)).mkdir(parents=True)
    (copied / "v1/RandomForest").rmdir()
    monkeypatch.setattr(golden, "ROOT", tmp_path)
    golden.main()
    assert {path.parent for path in copied.rglob("*.*")} == {copied / "v1/RandomForest"}
    assert load_model(copied / "v1/RandomForest").kind == "trees"


def test_golden_models_are_there_of_every_format_version_and_algorithm():
    found = {(path.parent.name, path.name) for path in GOLDEN_MODELS}
    names = (*ALGORITHMS, "dates", "dates-scaled", "levels", "levels-scaled", "logarithm")
    ensembles = {("v2", "ensemble"), ("v2", "ensemble-logarithm")}
    assert found == {("v1", name) for name in names} | ensembles


@pytest.mark.parametrize("folder", GOLDEN_MODELS, ids=lambda folder: f"{folder.parent.name}-{folder.name}")
def test_a_golden_model_loads_and_answers_as_on_the_day_it_was_made(folder):
    """Models in service outlive the code that made them."""
    model = load_model(folder)
    sample = json.loads((folder / "manifest.json").read_text())["sample"]
    numbers = np.array([[np.nan if cell is None else cell for cell in row] for row in sample["numbers"]])
    answer = model.predict(numbers.astype(np.float64), sample["categories"])
    if sample["probabilities"] is None:
        assert answer.labels == pytest.approx(sample["predictions"], rel=1e-9)
    else:
        assert answer.labels == sample["predictions"]
        np.testing.assert_allclose(answer.probabilities, sample["probabilities"], atol=1e-7)
