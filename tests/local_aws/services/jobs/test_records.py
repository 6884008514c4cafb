"""How a transform job splits files, filters and joins records, and assembles answers."""

from typing import Any

import pytest

from local_aws.core.errors import AwsError
from local_aws.services.jobs.records import Records
from local_aws.services.jobs.run import JobFailed


def records(
    kind: str = "text/csv", split: str = "Line", assemble: str = "Line", **processing: str
) -> Records:
    return Records(
        {
            "TransformInput": {"ContentType": kind, "SplitType": split},
            "TransformOutput": {"AssembleWith": assemble},
            "DataProcessing": processing,
        }
    )


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("$", b'7,"a,b",2\n8,c,3'),
        ("$[1:]", b'"a,b",2\nc,3'),
        ("$[:-1]", b'7,"a,b"\n8,c'),
        ("$[0,-1]", b"7,2\n8,3"),
        ("$[2]", b"2\n3"),
    ],
)
def test_an_input_filter_chooses_what_the_model_sees(path: str, sent: bytes) -> None:
    chosen = records(InputFilter=path)
    assert chosen.payload(chosen.split(b'7,"a,b",2\r\n8,c,3\r\n')) == sent


@pytest.mark.parametrize(
    ("processing", "joined"),
    [
        ({"JoinSource": "Input"}, b"7,1,yes,0.9\n8,2,no,0.1"),
        ({"JoinSource": "Input", "OutputFilter": "$[0,-2,-1]"}, b"7,yes,0.9\n8,no,0.1"),
        ({"OutputFilter": "$[1]"}, b"0.9\n0.1"),
    ],
)
def test_answers_in_csv_are_appended_to_their_records(processing: dict[str, str], joined: bytes) -> None:
    assert records(**processing).joined([b"7,1", b"8,2"], b"yes,0.9\nno,0.1\n") == joined


@pytest.mark.parametrize(
    ("processing", "joined"),
    [
        ({"JoinSource": "Input"}, b'{"id": 7, "x": 1, "SageMakerOutput": {"label": "yes"}}'),
        ({"JoinSource": "Input", "OutputFilter": "$['id','SageMakerOutput']"}, None),
        ({"OutputFilter": "$.label"}, b'"yes"'),
    ],
)
def test_answers_in_json_lines_are_a_member_of_their_records(
    processing: dict[str, str], joined: bytes | None
) -> None:
    result = records("application/jsonlines", **processing).joined([b'{"id":7,"x":1}'], b'{"label":"yes"}\n')
    assert result == (joined or b'{"id": 7, "SageMakerOutput": {"label": "yes"}}')


def test_a_record_in_json_that_is_no_object_becomes_a_member() -> None:
    result = records("application/jsonlines", JoinSource="Input").joined([b"[1,2]"], b'{"label":1}')
    assert result == b'{"SageMakerInput": [1, 2], "SageMakerOutput": {"label": 1}}'


@pytest.mark.parametrize(
    ("split", "assemble", "answers", "whole"),
    [
        ("Line", "Line", [b"a", b"b\n"], b"a\nb\n"),
        ("Line", "None", [b"a", b"b"], b"ab"),
        ("None", "None", [b"a\nb\n"], b"a\nb\n"),
    ],
)
def test_answers_are_assembled_with_newlines_or_without(
    split: str, assemble: str, answers: list[bytes], whole: bytes
) -> None:
    assert records(split=split, assemble=assemble).assembled(answers) == whole


def test_without_a_split_type_a_file_is_one_record() -> None:
    assert records(split="None", assemble="None").split(b"1\n2\n") == [b"1\n2\n"]
    assert records().split(b"1\r\n2\n\n") == [b"1", b"2"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"InputFilter": "$..x"}, "supports"),
        ({"split": "RecordIO"}, "supports None and Line"),
        ({"JoinSource": "Input", "assemble": "None"}, "AssembleWith Line"),
        ({"JoinSource": "Input", "kind": "application/json"}, "text/csv, application/jsonlines"),
    ],
)
def test_what_is_not_emulated_is_refused_by_name(arguments: dict[str, Any], told: str) -> None:
    with pytest.raises(AwsError, match=told) as refused:
        records(**arguments)
    assert refused.value.code == "UnsupportedOperation"


def test_a_join_needs_one_answer_for_each_record_and_a_filter_something_to_find() -> None:
    with pytest.raises(JobFailed, match="2 records with 1 lines"):
        records(JoinSource="Input").joined([b"1", b"2"], b"yes")
    with pytest.raises(JobFailed, match="finds nothing"):
        records(InputFilter="$[5]").payload([b"1,2"])
