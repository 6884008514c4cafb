"""Whatever a request or a model's files contain, the result is an answer or one sentence, never a crash.

FUZZ_EXAMPLES=10000 takes a long look; see support.container.examples.
"""

import asyncio
import copy
import hashlib
import io
import json
import os
import struct
import tarfile
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.container.examples import EXAMPLES
from support.container.tables import MODELS, dated, fit, fitted, mixed, nasty
from tabular.jobs import evaluate
from tabular.judging.agreement import as_model_input
from tabular.portable.files import load_model, save_model
from tabular.portable.model import PortableModel, UnusableModel
from tabular.serving import codec
from tabular.serving.codec import BadRequest, decode
from tabular.serving.models import Models
from tabular.serving.rows.shapes import ENVELOPES
from tabular.serving.server import ModelServer

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
fuzz = settings(
    max_examples=EXAMPLES,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
ODD_CELLS = [
    "", " ", "1", "1.5", " 2 ", "-0", "+3", "1e5", "1e999", "-inf", "nan", "NAN", "NA", "None", "1_0", "٣",
    "0x1", ".5", "5.", ".", "-", "1e", "1e-400", "0.1e1", "123456789012345678901234567890", "1" * 70,
    "yes", "No", "T", "0", "1.0", "red", "light grey", " red", "red ", "c1", "rare3", "東京", "size",
    "colour", '"', '"red"', '""', '"1.5"', '"a,b"', '"a\nb"', "\r", "\0", "\t1", "\x0b", "\x1c", "1\xa0",
    "\u2028", ";", "\ufeff",
]  # fmt: skip
CELLS = st.one_of(
    st.sampled_from(ODD_CELLS),
    st.floats().map(repr),
    st.integers().map(str),
    st.text(max_size=6),
)
LINES = st.one_of(
    st.lists(CELLS, min_size=5, max_size=5),
    st.permutations(["colour", "size", "member", "income", "code"]),
    st.lists(CELLS, max_size=7),
)
CSV = st.tuples(
    st.sampled_from(["", "", "", "\ufeff", "sep=;\n", "SEP=\t\r\n", 'sep="\n', "sep= \n"]),
    st.lists(LINES, max_size=4),
    st.sampled_from([",", ",", ",", ";", "\t", "|", '","', '";"']),
    st.sampled_from(["\n", "\r\n", "\r", "\n\n", '"\n"']),
).map(lambda parts: parts[0] + parts[3].join(map(parts[2].join, parts[1])))
VALUES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), CELLS)
NAMES = st.sampled_from(["colour", "size", "member", "income", "code", "instances", "other"])
ROWS = st.one_of(
    st.lists(VALUES, min_size=5, max_size=5),
    st.lists(VALUES, max_size=6),
    st.dictionaries(NAMES, VALUES, max_size=6),
    st.fixed_dictionaries(dict.fromkeys(("colour", "size", "member", "income", "code"), VALUES)),
    st.recursive(VALUES, lambda inner: st.lists(inner, max_size=3), max_leaves=6),
)
# Whatever may be made of the words with which clients say where rows, names and shapes are.
WORDS = st.sampled_from(
    [
        *ENVELOPES,
        *("columns", "index", "names", "name", "fields", "ColumnNames", "schema", "primaryKey", "shape"),
        *("datatype", "dataframe_split", "parameters", "_row", "colour", "size", "member", "income", "code"),
    ]
)
HEADERS = st.permutations(["colour", "size", "member", "income", "code"])
DOCUMENTS = st.recursive(
    st.one_of(ROWS, st.lists(ROWS, max_size=3), HEADERS, WORDS, st.lists(st.integers(-1, 5), max_size=2)),
    lambda inner: st.one_of(st.dictionaries(WORDS, inner, max_size=4), st.lists(inner, max_size=3)),
    max_leaves=8,
)
JSON = st.one_of(
    ROWS,
    st.lists(ROWS, max_size=4),
    st.fixed_dictionaries({"instances": st.lists(ROWS, max_size=3)}),
    DOCUMENTS,
)


@cache
def served():
    """A server with a model of each algorithm, an ensemble, and of tables with other columns."""
    models = Models()
    with tempfile.TemporaryDirectory() as folder:
        tables = {name: fitted(name, "multiclass") for name in MODELS}
        tables["regression"] = fitted("LogisticRegression", "regression")
        numbers = mixed(rows=40, gaps=False)[["size", "income", "target"]]
        tables["numbers"] = fit(numbers, "NaiveBayes", "binary")
        tables["named by numbers"] = fit(
            numbers.set_axis(["1", "2", "target"], axis=1), "NaiveBayes", "binary"
        )
        tables["levels"] = fit(mixed(rows=40)[["colour", "code", "target"]], "NaiveBayes", "binary")
        tables["one level"] = fit(mixed(rows=40)[["colour", "target"]], "NaiveBayes", "binary")
        tables["one number"] = fit(mixed(rows=40)[["size", "target"]], "NaiveBayes", "binary")
        tables["dates"] = fit(dated(rows=40)[["day", "size", "moment", "target"]], "NaiveBayes", "binary")
        for name, one in tables.items():
            save_model(Path(folder) / name, one.manifest, one.arrays)
            models.load(name, str(Path(folder) / name))
    return ModelServer(models)


def ask(method, path, body=b"", headers=()):
    """One request, without a network."""
    sent = []

    async def receive():
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message):
        sent.append(message)

    raw, _, query = path.partition(b"?")
    scope = {"type": "http", "method": method, "path": raw.decode("latin-1"), "raw_path": raw}
    scope |= {"query_string": query, "headers": list(headers)}
    asyncio.run(served()(scope, receive, send))
    return sent[0]["status"], sent[1]["body"], dict(sent[0]["headers"])[b"content-type"]


def well_answered(method, path, body=b"", headers=()):
    """Answered, or refused with one sentence; never a fault of the server."""
    status, answer, content_type = ask(method, path, body, headers)
    assert status in (200, 400, 404, 406, 409, 413, 415), answer
    if status != 200:
        assert content_type == b"application/json"
        document = json.loads(answer)
        assert list(document) == ["error"]
        assert document["error"].endswith(".")
        assert "Traceback" not in document["error"]
    return status, answer


MODEL = st.sampled_from(
    [*MODELS, "regression", "numbers", "named by numbers", "levels", "dates", "one level", "one number"]
)
ACCEPT = st.sampled_from([b"", b"text/csv", b"application/json", b"*/*"])


@fuzz
@given(
    model=MODEL,
    body=st.one_of(
        CSV.map(lambda text: text.encode("utf-8", "replace")),
        CSV.map(lambda text: text.encode("utf-16", "replace")),
        st.binary(),
    ),
    accept=ACCEPT,
)
def test_any_csv_is_answered_or_refused(model, body, accept):
    path = f"/models/{model.replace(' ', '%20')}/invoke".encode()
    attributes = (b"x-amzn-sagemaker-custom-attributes", b"probabilities=true")
    well_answered("POST", path, body, [(b"accept", accept), attributes])


@fuzz
@given(model=MODEL, content=JSON, accept=ACCEPT, cut=st.integers(0, 30))
def test_any_json_is_answered_or_refused(model, content, accept, cut):
    body = json.dumps(content).encode()
    body = body[: len(body) - cut] if cut < 5 else body
    path = f"/models/{model.replace(' ', '%20')}/invoke".encode()
    well_answered("POST", path, body, [(b"content-type", b"application/json"), (b"accept", accept)])


@fuzz
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD", "x"]),
    path=st.one_of(
        st.binary(max_size=30).map(lambda tail: b"/" + tail),
        st.lists(
            st.sampled_from(
                [b"models", b"invoke", b"ping", b"%ff", b"", b"..", b"nobody", b"?next_page_token=-"]
            )
        )
        .map(b"/".join)
        .map(lambda tail: b"/" + tail),
    ),
    body=st.one_of(st.binary(max_size=40), JSON.map(lambda content: json.dumps(content).encode())),
    headers=st.lists(
        st.tuples(st.sampled_from([b"accept", b"content-type"]), st.binary(max_size=12)), max_size=2
    ),
)
def test_any_path_and_header_is_answered_or_refused(method, path, body, headers):
    well_answered(method, path, body, headers)


@fuzz
@given(name=st.text(max_size=8), url=st.text(max_size=12))
def test_any_load_is_refused_where_no_model_is(name, url):
    body = json.dumps({"model_name": name, "url": f"/nowhere/{url}"}).encode()
    status, _ = well_answered("POST", b"/models", body)
    assert status in (400, 409)


def carefully(body, content_type, model):
    """What a body says when nothing is taken for plain."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(codec, "csv_rows", None)
        patch.setattr(codec, "_plain_numbers", lambda cells: None)
        return outcome(body, content_type, model)


def outcome(body, content_type, model):
    try:
        numbers, categories = decode(body, content_type, model)
    except BadRequest as refusal:
        return refusal.status, str(refusal)
    return numbers.tobytes(), [list(levels) for levels in categories]


def canonical(read):
    """With one NaN for all NaNs: a sign of them means nothing."""
    if isinstance(read[0], bytes):
        numbers = np.frombuffer(read[0])
        return np.where(np.isnan(numbers), np.nan, numbers).tobytes(), read[1]
    return read


@fuzz
@given(model=MODEL, text=CSV)
def test_plain_csv_is_read_as_it_is_read_carefully(model, text):
    one, body = served().models.find(model).model, text.encode("utf-8", "replace")
    assert canonical(outcome(body, "text/csv", one)) == canonical(carefully(body, "text/csv", one))


@fuzz
@given(model=MODEL, content=JSON)
def test_plain_json_is_read_as_it_is_read_carefully(model, content):
    one, body = served().models.find(model).model, json.dumps(content).encode()
    assert canonical(outcome(body, "application/json", one)) == canonical(
        carefully(body, "application/json", one)
    )


def harmed(data, value, depth=0):
    """The same JSON with something in it changed."""
    if isinstance(value, dict) and value and (depth == 0 or data.draw(st.integers(0, 4))):
        name = data.draw(st.sampled_from(sorted(value)))
        if not data.draw(st.integers(0, 5)):
            return {key: one for key, one in value.items() if key != name}
        return value | {name: harmed(data, value[name], depth + 1)}
    if isinstance(value, list) and value and data.draw(st.integers(0, 4)):
        place = data.draw(st.integers(0, len(value) - 1))
        return [*value[:place], harmed(data, value[place], depth + 1), *value[place + 1 :]]
    others = [
        None,
        True,
        -1,
        0,
        2,
        10**9,
        2**70,
        1.5,
        "x",
        "",
        [],
        {},
        [[0]],
        "numeric",
        "softmax",
        "identity",
        value,
    ]
    return data.draw(st.sampled_from(others))


@cache
def four_rows(algorithm):
    """Rows of its table as a model is given them."""
    one = fitted(algorithm, "multiclass")
    return as_model_input(nasty(one.frame, 4), one.schema)


def refused_or_sound(make, algorithm):
    """The model is refused, or answers rows of its table with an answer for each class."""
    try:
        model = make()
    except UnusableModel as refusal:
        assert str(refusal).endswith(".")
        return
    numbers, categories = four_rows(algorithm)
    if (len(model.numeric), len(model.categorical)) == (numbers.shape[1], len(categories)):
        answer = model.predict(numbers, categories)
        assert len(answer.labels) == 4
        assert answer.probabilities is None or answer.probabilities.shape == (4, len(model.classes))


@fuzz
@given(algorithm=st.sampled_from(MODELS), data=st.data())
def test_any_change_to_a_manifest_is_refused_or_served(algorithm, data):
    one = fitted(algorithm, "multiclass")
    manifest = copy.deepcopy(one.manifest)
    for _ in range(data.draw(st.integers(1, 3))):
        manifest = harmed(data, manifest)
    refused_or_sound(lambda: PortableModel(manifest, one.arrays), algorithm)


KINDS = st.sampled_from(
    [np.int8, np.uint8, np.int32, np.int64, np.uint64, np.float16, np.float32, np.float64, np.bool_]
)
NUMBERS = st.sampled_from(
    [0, 1, -1, 2, 7, 127, 2**31 - 1, -(2**31), 2**62, np.nan, np.inf, -np.inf, 1e308, 0.5]
)


@fuzz
@given(algorithm=st.sampled_from(MODELS), data=st.data())
def test_any_change_to_arrays_is_refused_or_served(algorithm, data):
    """Also with the C kernel, where an index out of range would be a crash."""
    one = fitted(algorithm, "multiclass")
    arrays = dict(one.arrays)
    for _ in range(data.draw(st.integers(1, 2))):
        name = data.draw(st.sampled_from(sorted(arrays)))
        array = arrays[name].copy()
        match data.draw(st.sampled_from(["value", "value", "kind", "cut", "shape", "gone", "swap"])):
            case "value" if array.size:
                with np.errstate(all="ignore"):
                    place = data.draw(st.integers(0, array.size - 1))
                    array.flat[place] = np.array(data.draw(NUMBERS)).astype(array.dtype)
            case "kind":
                with np.errstate(all="ignore"):
                    array = array.astype(data.draw(KINDS))
            case "cut":
                array = array[: data.draw(st.integers(0, len(array)))]
            case "shape":
                array = data.draw(st.sampled_from([array[None], array[..., None], array.ravel()]))
            case "swap":
                array = arrays[data.draw(st.sampled_from(sorted(arrays)))]
            case "gone":
                arrays.pop(name)
                continue
        arrays[name] = array
    refused_or_sound(lambda: PortableModel(one.manifest, arrays), algorithm)


@cache
def files():
    """The files of a model, without their digest."""
    one = fitted("XGBoost", "multiclass")
    with tempfile.TemporaryDirectory() as folder:
        save_model(Path(folder), one.manifest, one.arrays)
        return (Path(folder) / "manifest.json").read_bytes(), (
            Path(folder) / "model.safetensors"
        ).read_bytes()


@fuzz
@given(data=st.data())
def test_any_file_of_arrays_is_refused_or_served(data, tmp_path_factory):
    """Its digest is right, as an attacker would make it."""
    manifest, arrays = json.loads(files()[0]), bytearray(files()[1])
    header = struct.unpack_from("<Q", arrays)[0]
    match data.draw(st.sampled_from(["header", "anywhere", "cut", "noise", "length"])):
        case "header":
            for _ in range(data.draw(st.integers(1, 3))):
                arrays[8 + data.draw(st.integers(0, header - 1))] = data.draw(st.integers(0, 255))
        case "anywhere":
            for _ in range(data.draw(st.integers(1, 20))):
                arrays[data.draw(st.integers(0, len(arrays) - 1))] = data.draw(st.integers(0, 255))
        case "cut":
            del arrays[data.draw(st.integers(0, len(arrays))) :]
        case "noise":
            arrays = data.draw(st.binary(max_size=200))
        case "length":
            arrays[:8] = struct.pack("<Q", data.draw(st.integers(0, 2**64 - 1)))
    manifest["files"] = {"model.safetensors": hashlib.sha256(arrays).hexdigest()}
    folder = tmp_path_factory.getbasetemp() / "fuzzed"
    folder.mkdir(exist_ok=True)
    (folder / "model.safetensors").write_bytes(arrays)
    (folder / "manifest.json").write_text(json.dumps(manifest))
    refused_or_sound(lambda: load_model(folder), "XGBoost")


@fuzz
@given(content=st.one_of(st.binary(max_size=60), JSON.map(lambda content: json.dumps(content).encode())))
def test_any_manifest_file_is_refused(content, tmp_path_factory):
    folder = tmp_path_factory.getbasetemp() / "fuzzed-manifest"
    folder.mkdir(exist_ok=True)
    (folder / "model.safetensors").write_bytes(files()[1])
    (folder / "manifest.json").write_bytes(content)
    with pytest.raises(UnusableModel):
        load_model(folder)


MEMBERS = st.lists(
    st.tuples(
        st.sampled_from(
            ["a", "a/b", "../out", "/out", "a/../../out", "link", "link/out", "model.safetensors", "\0", ""]
        ),
        st.sampled_from(
            [
                tarfile.REGTYPE,
                tarfile.DIRTYPE,
                tarfile.SYMTYPE,
                tarfile.LNKTYPE,
                tarfile.FIFOTYPE,
                tarfile.CHRTYPE,
            ]
        ),
        st.sampled_from(["", "..", "../..", "/etc", "a", "link"]),
    ),
    max_size=5,
)


@fuzz
@given(members=MEMBERS, flipped=st.lists(st.integers(0, 400), max_size=3), raw=st.booleans())
def test_nothing_of_any_archive_lands_outside_its_folder(members, flipped, raw):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w" if raw else "w:gz") as tar:
        for name, kind, target in members:
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = kind, target
            tar.addfile(entry)
    content = bytearray(packed.getvalue())
    for place in flipped:
        content[place % len(content)] ^= 0x41
    with tempfile.TemporaryDirectory() as home:
        inside = Path(home) / "deep/inside"
        (Path(home) / "archive.tar.gz").write_bytes(content)
        try:
            evaluate.extract(Path(home) / "archive.tar.gz", inside)
        except Exception as refusal:
            assert not isinstance(refusal, AssertionError | MemoryError)
        found = {path for path in Path(home).rglob("*") if inside not in path.parents}
        assert found <= {Path(home) / "archive.tar.gz", Path(home) / "deep", inside}
        leads_to = {os.path.realpath(path) for path in inside.rglob("*")}  # also of links in a circle
        assert all(Path(path).is_relative_to(inside.resolve()) for path in leads_to)
