"""Which requests are valid, and the error message for each that is not."""

import base64
import gzip
import json

import pytest

from lambdas.errors import RequestError
from lambdas.invoker import question


@pytest.fixture
def ask(event):
    """Read a POST with the given body; a value that is neither text nor bytes is sent as JSON."""

    def read(body, content_type="application/json", *, model=None, **headers):
        request = event("url_post_json")
        request["headers"] = {"content-type": content_type, **headers}
        request["queryStringParameters"] = {"model": model} if model is not None else None
        if isinstance(body, bytes):
            request["body"], request["isBase64Encoded"] = base64.b64encode(body).decode(), True
        else:
            request["body"] = body if isinstance(body, str) else json.dumps(body)
        return question.read(request)

    return read


@pytest.mark.parametrize(
    ("data", "content_type", "body"),
    [
        ("5.1,3.5\n6.2,2.9\n", "text/csv", "5.1,3.5\n6.2,2.9\n"),
        ([[5.1, "a", None, True]], "application/json", '{"instances":[[5.1,"a",null,true]]}'),
        (
            [{"length": 5.1}, {"length": None}],
            "application/json",
            '{"instances":[{"length":5.1},{"length":null}]}',
        ),
        ({"instances": [[1, 2]]}, "application/json", '{"instances":[[1,2]]}'),
        ([["zürich", "東京"]], "application/json", '{"instances":[["zürich","東京"]]}'),
        ([[12345678901234567890, 0.1]], "application/json", '{"instances":[[12345678901234567890,0.1]]}'),
    ],
)
def test_data_reaches_the_endpoint_in_its_own_content_type(ask, data, content_type, body):
    asked = ask({"model": "iris", "data": data})
    assert (asked.model, asked.content_type, asked.body.decode()) == ("iris", content_type, body)


def test_numbers_are_passed_on_as_they_are_written(ask):
    rows = "[ [1.50, -0.0, 1E5, null],\r\n[12345678901234567890, 1e-7, true, 0] ]"
    body = f'\ufeff {{ "model":"iris" ,\n"data":\t{rows} }}\r\n'
    for model in (None, "iris"):
        asked = ask(body, model=model)
        assert (asked.model, asked.content_type) == ("iris", "application/json")
        assert asked.body == b'{"instances":[[1.50,-0.0,1E5,null],[12345678901234567890,1e-7,true,0]]}'


@pytest.mark.parametrize(
    ("body", "passed_on"),
    {
        '{"data": [[1.50]], "model": "iris"}': b'{"instances":[[1.5]]}',
        '{"data": [[2.50]],\t"model" :"iris"}': b'{"instances":[[2.5]]}',
        '{"model": "ir\\u0069s", "data": [[2.50]]}': b'{"instances":[[2.5]]}',
        '{"model": "iris", "data": {"instances": [[2.50]]}}': b'{"instances":[[2.5]]}',
    }.items(),
)
def test_other_envelopes_with_numbers_are_written_again(ask, body, passed_on):
    asked = ask(body)
    assert (asked.model, asked.body) == ("iris", passed_on)


@pytest.mark.parametrize(
    "data",
    [
        {"names": ["a"], "ndarray": [[1]]},
        {"tensor": {"shape": [1, 1], "values": [1]}},
        {"ndarray": [[1]]},
        [[1, [2024, 1, 31]]],  # a date of Java
        [{"a": [1]}],
        [{"json": {"a": 1}}],
    ],
)
def test_rows_beside_no_model_reach_the_server_as_they_were_sent(ask, data):
    asked = ask({"data": data}, model="iris")
    assert (asked.model, asked.content_type) == ("iris", "application/json")
    assert json.loads(asked.body) == {"data": data}


@pytest.mark.parametrize("model", [None, "iris"])
@pytest.mark.parametrize(
    ("body", "key"),
    [
        ('{"model": "iris", "data": [[1]], "data": [[2]]}', "data"),
        ('{"data": "1", "model": "iris", "d\\u0061ta": "2"}', "data"),
        ('{"model": "wine", "model": "iris", "data": [{"a": 1, "a": 2}]}', "model"),
    ],
)
def test_a_key_of_the_envelope_that_is_there_twice_is_named(ask, model, body, key):
    with pytest.raises(RequestError) as refusal:
        ask(body, model=model)
    assert (refusal.value.status, refusal.value.sentence) == (
        400,
        f"An object has the key {key!r} more than once; send it once.",
    )


@pytest.mark.parametrize("model", [None, "iris"])
@pytest.mark.parametrize(
    ("envelope", "called"),
    [
        ('{"model": "iris", "data": %s}', '{"instances":%s}'),
        (' {"data":%s,\n"model" : "iris"}\n', '{"instances":%s}'),
        ('{"model": "iris", "data": {"instances": %s}}', '{"instances": %s}'),
        ('{"model": "iris", "model": "iris", "data": %s}', '{"instances":%s}'),
    ],
)
@pytest.mark.parametrize(
    "rows",
    ['[{"a": 1, "a": 2}]', '[{"a":1,"b":"}\\"a\\":","a":1.50},\r\n{"a" :"\u00fc", "a": null, "b":""}]'],
)
def test_rows_with_a_key_twice_reach_the_server_as_they_were_sent(ask, envelope, called, rows, model):
    """Which knows whether the table has two columns of that name, as it does for rows without an envelope."""
    asked = ask(envelope % rows, model=model)
    assert (asked.model, asked.content_type, asked.body.decode()) == (
        "iris",
        "application/json",
        called % rows,
    )


def test_a_number_beyond_floats_is_refused_beside_a_key_that_is_there_twice(ask):
    with pytest.raises(RequestError, match="beyond the range"):
        ask('{"model": "iris", "data": [{"a": 1, "a": 2, "b": 1e999}]}')


def test_raw_csv_names_the_model_in_the_address(event):
    asked = question.read(event("url_post_csv_base64"))
    assert (asked.model, asked.content_type) == ("iris", "text/csv")
    assert asked.body == b"5.1,3.5,1.4,0.2\n6.2,2.9,4.3,1.3\n"


def test_json_may_name_the_model_in_the_address(ask):
    assert ask({"data": [[1]]}, model="iris").model == "iris"
    assert ask({"model": "iris", "data": [[1]]}, model="iris").model == "iris"


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "Application/JSON",
        "application/json; charset=utf-8",
        'application/json;charset="UTF-8"',
    ],
)
def test_a_content_type_may_carry_its_charset(ask, content_type):
    assert ask({"model": "iris", "data": "1,2"}, content_type).body == b"1,2"


AS_SENT = {
    "a byte order mark": (b"\xef\xbb\xbf1,2", "text/csv"),
    "Latin-1": ("zürich,1".encode("latin-1"), "text/csv; charset=iso-8859-1"),
    "UTF-16": ('{"instances": [[1]]}'.encode("utf-16"), "application/json; charset=utf-16"),
    "bare rows": (b"[[1, 2]]", "application/json"),
    "instances": (b'{"instances": [[1]], "parameters": {}}', "application/json"),
    "inputs": (b'{"inputs": [[1]]}', "application/json"),
    "pandas' split": (b'{"columns": ["a"], "index": [0], "data": [[1]]}', "application/json"),
    "NaN": (b'[{"a": NaN}]', "application/json"),
    "JSON Lines": (b'{"data": 1}\n{"data": 2}\n', "application/jsonlines"),
    "no JSON": (b"model=iris", "application/json"),
    "a gzip file": (b"\x1f\x8b\x08\x00\x00", "application/gzip"),
}


@pytest.mark.parametrize(("body", "content_type"), AS_SENT.values(), ids=AS_SENT.keys())
def test_a_body_for_the_model_in_the_address_reaches_the_endpoint_as_it_was_sent(ask, body, content_type):
    asked = ask(body, content_type, model="iris", accept="application/json;q=0.5")
    assert (asked.model, asked.body, asked.content_type) == ("iris", body, content_type)
    assert asked.accept == "application/json;q=0.5"


def test_a_body_without_a_content_type_is_csv(event):
    request = event("url_post_csv_base64")
    del request["headers"]["content-type"]
    assert question.read(request).content_type == "text/csv"


def test_a_byte_order_mark_is_not_part_of_json(ask):
    assert ask(b'\xef\xbb\xbf{"model": "iris", "data": "1,2"}').body == b"1,2"


def test_accept_and_custom_attributes_pass_through(event):
    asked = question.read(event("url_post_json"))
    assert (asked.accept, asked.custom_attributes) == ("application/json", "trace=42")


def test_headers_that_are_not_sent_stay_unset(ask):
    asked = ask({"model": "iris", "data": "1"})
    assert (asked.accept, asked.custom_attributes) == (None, None)


def enveloped(data):
    return {"model": "iris", "data": data}


BAD_JSON = {
    "empty": ("", "body is empty"),
    "blank": (" \n\t ", "body is empty"),
    "no JSON": ("model=iris", "cannot be read as JSON"),
    "cut short": ('{"model": "iris", "data": [[1', "cannot be read as JSON"),
    "single quotes": ("{'model': 'iris'}", "cannot be read as JSON"),
    "trailing comma": ('{"model": "iris", "data": [[1],]}', "cannot be read as JSON"),
    "two documents": ('{"model": "iris"} {"data": [[1]]}', "cannot be read as JSON"),
    "a comment": ('{"model": "iris" /* which */}', "cannot be read as JSON"),
    "CSV sent as JSON": ("5.1,3.5\n", "cannot be read as JSON"),
    "null": ("null", "body is null; send"),
    "a number": ("5.1", "body is a number; send"),
    "a string": ('"iris"', "body is a string; send"),
    "true": ("true", "body is true or false; send"),
    "a bare list": ("[[1, 2]]", "body is a list; send"),
    "an empty object": ({}, "no 'data'"),
    "no data": ({"model": "iris"}, "no 'data'"),
    "no model": ({"data": [[1]]}, "No model is named"),
    "misspelt model": ({"modle": "iris", "data": [[1]]}, "Did you mean 'model'?"),
    "misspelt data": ({"model": "iris", "dat": [[1]]}, "Did you mean 'data'?"),
    "bare instances": ({"model": "iris", "instances": [[1]]}, "'model' and 'data' are allowed"),
    "null model": ({"model": None, "data": [[1]]}, "'model' is null"),
    "numeric model": ({"model": 3, "data": [[1]]}, "'model' is a number"),
    "list of models": ({"model": ["iris"], "data": [[1]]}, "'model' is a list"),
    "blank model": ({"model": " ", "data": [[1]]}, "'model' is a string"),
    "null data": (enveloped(None), "'data' is null"),
    "numeric data": (enveloped(5.1), "'data' is a number"),
    "boolean data": (enveloped(data=True), "'data' is true or false"),
    "empty CSV": (enveloped(""), "CSV text is empty"),
    "blank CSV": (enveloped("\n \n"), "CSV text is empty"),
    "no rows": (enveloped([]), "has no rows"),
    "one bare row": (enveloped([5.1, 3.5]), "Row 1 is a number"),
    "rows of text": (enveloped(["5.1,3.5"]), "Row 1 is a string"),
    "null row": (enveloped([None]), "Row 1 is null"),
    "empty row": (enveloped([[]]), "Row 1 is empty"),
    "empty object row": (enveloped([{"a": 1}, {}]), "Row 2 is empty"),
    "ragged rows": (enveloped([[1, 2], [3]]), "Row 2 has 1 cells and row 1 has 2"),
    "mixed kinds": (enveloped([[1], {"a": 1}]), "Row 2 is an object and row 1 is a list"),
    "a row missing its list": (enveloped([[1], 2]), "Row 2 is a number and row 1 is a list"),
    "nested list": (enveloped([[1, [2]]]), "Row 1 has a cell that is a list"),
    "nested object": (enveloped([{"a": {"b": 1}}]), "Row 1 has a cell that is an object"),
    "a bare object": (enveloped({"a": 1, "b": 2}), "one row as [{...}]"),
    "an empty bare object": (enveloped({}), "'data' is an object"),
    "instances and more": (enveloped({"instances": [[1]], "parameters": {}}), "'data' is an object"),
    "null instances": (enveloped({"instances": None}), "'data' is null"),
    "empty instances": (enveloped({"instances": []}), "has no rows"),
    "NaN": ('{"model": "iris", "data": [[NaN]]}', "NaN is not a JSON value; use null"),
    "-Infinity": ('{"model": "iris", "data": [[-Infinity]]}', "-Infinity is not a JSON value; use null"),
    "a form feed": ('{"model":\f"iris", "data": [[1]]}', "cannot be read as JSON"),
    "a form feed in rows": ('{"model": "iris", "data": [[1,\f2]]}', "cannot be read as JSON"),
    "a break after rows": ('{"model": "iris", "data": [[1]]\u2028}', "cannot be read as JSON"),
    "a blank model and numbers": ('{"model": " ", "data": [[1]]}', "the name of a data set"),
    "far below a float": ('{"model": "iris", "data": [[-1e400]]}', "beyond the range of a 64-bit float"),
    "an endless integer beside texts": (
        f'{{"model": "iris", "data": [["a", {"9" * 5000}]]}}',
        "A number is beyond the range of a 64-bit float.",
    ),
    "Infinity": ('{"model": "iris", "data": [[-Infinity]]}', "-Infinity is not a JSON value"),
    "beyond a float": ('{"model": "iris", "data": [[1e400]]}', "beyond the range of a 64-bit float"),
    "endless integer": (
        f'{{"model": "iris", "data": [[{"9" * 5000}]]}}',
        "A number is beyond the range of a 64-bit float.",
    ),
    "endless nesting": ("[" * 100_000, "nested too deeply"),
    "half a surrogate in CSV": ('{"model": "iris", "data": "\\ud800"}', "half a surrogate pair"),
    "half a surrogate in a cell": ('{"model": "iris", "data": [["\\ud800"]]}', "half a surrogate pair"),
    "half a surrogate in a key": ('{"\\ud800": 1}', "'model' and 'data' are allowed"),
    "UTF-16": ('{"model": "iris"}'.encode("utf-16"), "not UTF-8"),
    "Latin-1": ('{"model": "zürich"}'.encode("latin-1"), "not UTF-8"),
    "a raw line break in a string": ('{"model": "ir\nis"}', "cannot be read as JSON"),
}


@pytest.mark.parametrize(("body", "sentence"), BAD_JSON.values(), ids=BAD_JSON.keys())
def test_a_bad_json_body_is_answered_with_what_is_wrong(ask, body, sentence):
    with pytest.raises(RequestError) as refusal:
        ask(body)
    assert refusal.value.status == 400
    assert sentence in refusal.value.sentence


def test_a_compressed_body_is_told_to_be_sent_as_it_was(ask):
    body = gzip.compress(b'{"model": "iris", "data": [[1]]}', mtime=0)
    with pytest.raises(RequestError, match="compressed with gzip") as refusal:
        ask(body)
    assert refusal.value.status == 415
    assert ask(body, model="iris").body == body  # of which the model's server says the same


BAD_CSV = {
    "empty": (b"", "body is empty"),
    "blank lines": (b"\r\n\r\n", "body is empty"),
    "only a byte order mark": (b"\xef\xbb\xbf", "body is empty"),
    "half a surrogate": ("\ud800", "not UTF-8"),
}


@pytest.mark.parametrize(("body", "sentence"), BAD_CSV.values(), ids=BAD_CSV.keys())
def test_a_bad_csv_body_is_answered_with_what_is_wrong(ask, body, sentence):
    with pytest.raises(RequestError) as refusal:
        ask(body, "text/csv", model="iris")
    assert refusal.value.status == 400
    assert sentence in refusal.value.sentence


@pytest.mark.parametrize("model", [None, ""])
def test_csv_without_a_model_is_told_where_to_name_it(ask, model):
    with pytest.raises(RequestError, match=r"CSV body to /\?model=<data set>"):
        ask("1,2", "text/csv", model=model)


def test_two_different_models_are_not_guessed_between(ask):
    with pytest.raises(RequestError, match="two different models"):
        ask({"model": "iris", "data": [[1]]}, model="wine")


@pytest.mark.parametrize("body", ["not base64!", "abc", "ünïcode"])
def test_a_body_that_is_not_the_base64_it_is_said_to_be_is_refused(event, body):
    request = event("url_post_csv_base64")
    request["body"] = body
    with pytest.raises(RequestError, match="marked as base64 but is not"):
        question.read(request)


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "json",
        "application/xml",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/plain",
        "application/json; charset=utf-16",
    ],
)
def test_another_content_type_without_a_model_in_the_address_answers_415(ask, content_type):
    with pytest.raises(RequestError, match=r"send application/json in UTF-8, or name the model") as refusal:
        ask("1,2", content_type)
    assert refusal.value.status == 415


def test_no_content_type_answers_415(event):
    request = event("url_post_json")
    del request["headers"]["content-type"]
    with pytest.raises(RequestError, match="The Content-Type is none"):
        question.read(request)


@pytest.mark.parametrize("as_bytes", [False, True])
def test_one_byte_over_the_limit_answers_413(ask, as_bytes):
    fits = "1" * question.LIMIT
    assert len(ask(fits.encode() if as_bytes else fits, "text/csv", model="iris").body) == question.LIMIT
    with pytest.raises(RequestError, match="6,291,457 bytes and 6,291,456 are allowed") as refusal:
        ask((fits + "1").encode() if as_bytes else fits + "1", "text/csv", model="iris")
    assert refusal.value.status == 413


@pytest.mark.parametrize("name", ["accept", "x-amzn-sagemaker-custom-attributes"])
@pytest.mark.parametrize("value", ["x" * 1025, "zürich", "two\nlines"])
def test_a_header_that_the_endpoint_would_refuse_is_refused_here(ask, name, value):
    with pytest.raises(RequestError, match=f"The header {name} may contain") as refusal:
        ask({"model": "iris", "data": "1"}, **{name: value})
    assert refusal.value.status == 400
