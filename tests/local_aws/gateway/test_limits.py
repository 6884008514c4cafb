"""What AWS refuses is refused, also of clients that check nothing themselves, as those in other languages."""

import base64
import json
import zlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from botocore.httpsession import URLLib3Session
from support.local_aws.aws import Aws
from support.local_aws.pipeline import TRUST

NOW = datetime.now(UTC)
TOPIC = "arn:aws:sns:us-east-1:123456789012:limits"

# Each page of AWS is named in local_aws.gateway.limits, in the file of its service.
DATUM = {"MetricName": "Calls", "Value": 1.0}


def data(namespace: str = "Toys", number: int = 1, **datum: Any) -> dict[str, Any]:
    return {"Namespace": namespace, "MetricData": [{**DATUM, **datum}] * number}


def dimension(name: str, value: str) -> dict[str, Any]:
    return data(Dimensions=[{"Name": name, "Value": value}])


def values(**datum: Any) -> dict[str, Any]:
    return {"Namespace": "Toys", "MetricData": [{"MetricName": "Calls", **datum}]}


PUT_DATA = ("cloudwatch", "put_metric_data", "InvalidParameterValue")
DATA = [
    data(":Toys"),
    data("AWS/Toys"),
    data(""),
    data("Spiel\u00fczeug"),
    data("x" * 256),
    data(number=1001),
    data(Dimensions=[{"Name": f"d{number}", "Value": "v"} for number in range(31)]),
    dimension(":d", "v"),
    dimension("d", " "),
    dimension("d", ""),
    dimension("d", "gr\u00f6\u00dfe"),
    data(Timestamp=NOW - timedelta(days=15)),
    data(Timestamp=NOW + timedelta(hours=3)),
    data(Value=2.0**361),
    data(Value=float("nan")),
    data(Unit="Bananas"),
    data(StorageResolution=30),
    data(Values=[1.0]),
    values(),
    values(Values=[1.0] * 151),
    values(Values=[1.0, 2.0], Counts=[1.0]),
]

QUERY = {
    "Id": "q",
    "MetricStat": {"Metric": {"Namespace": "N", "MetricName": "m"}, "Period": 60, "Stat": "Sum"},
}


def query(*queries: dict[str, Any], hours: float = 1, **more: Any) -> dict[str, Any]:
    return {
        "MetricDataQueries": list(queries),
        "StartTime": NOW - timedelta(hours=hours),
        "EndTime": NOW,
        **more,
    }


def stat(**changed: Any) -> dict[str, Any]:
    return {**QUERY, "MetricStat": {**QUERY["MetricStat"], **changed}}


GET_DATA = ("cloudwatch", "get_metric_data", "ValidationError")
QUERIES = [
    query({**QUERY, "Id": "Q"}),
    query(QUERY, QUERY),
    query(*({**QUERY, "Id": f"q{number}"} for number in range(501))),
    query(stat(Period=45)),
    query(stat(Stat="Middle")),
    query({**QUERY, "Expression": "q * 2"}),
    query({"Id": "q"}),
    query(QUERY, hours=0),
    query(QUERY, hours=-1),
    query(QUERY, MaxDatapoints=100_801),
]

ALARM = {
    "AlarmName": "limits",
    "Namespace": "Toys",
    "MetricName": "Calls",
    "Statistic": "Sum",
    "Period": 60,
    "EvaluationPeriods": 1,
    "Threshold": 1.0,
    "ComparisonOperator": "GreaterThanThreshold",
}


def alarm(*left_out: str, **changed: Any) -> dict[str, Any]:
    return {name: value for name, value in {**ALARM, **changed}.items() if name not in left_out}


MATH = ("MetricName", "Namespace", "Statistic", "Period")
RATE = {"Id": "rate", "Expression": "q * 2"}
PUT_ALARM = ("cloudwatch", "put_metric_alarm", "ValidationError")
ALARMS = [
    alarm(AlarmName="x" * 256),
    alarm(AlarmName=""),
    alarm(AlarmDescription="x" * 1025),
    alarm(Period=45),
    *(alarm(field) for field in ("Period", "Threshold", "Statistic", "Namespace", "MetricName")),
    *(alarm(field) for field in ("EvaluationPeriods", "ComparisonOperator")),
    alarm(ExtendedStatistic="p90"),
    alarm("Statistic", ExtendedStatistic="p101"),
    alarm(Statistic="Median"),
    alarm(ComparisonOperator="Equals"),
    alarm(ComparisonOperator="GreaterThanUpperThreshold"),
    alarm(TreatMissingData="fine"),
    alarm(EvaluateLowSampleCountPercentile="x"),
    alarm(EvaluationPeriods=0),
    alarm(DatapointsToAlarm=2),
    alarm(EvaluationPeriods=1441),
    alarm(Period=3600, EvaluationPeriods=169),
    alarm(AlarmActions=["no-arn"]),
    alarm(OKActions=[TOPIC] * 6),
    alarm(Metrics=[QUERY]),
    alarm(*MATH, Metrics=[QUERY, RATE]),
    alarm(*MATH, Metrics=[{**QUERY, "Id": "Q"}]),
    alarm(*MATH[:-1], Metrics=[QUERY]),
    alarm(Tags=[{"Key": f"k{number}", "Value": "v"} for number in range(51)]),
    alarm(Tags=[{"Key": "aws:k", "Value": "v"}]),
]

PUBLISH = ("sns", "publish", "InvalidParameter")
MESSAGES = [
    {"Message": "m"},
    {"TopicArn": TOPIC, "Message": ""},
    {"TopicArn": TOPIC, "Message": "m", "Subject": ""},
    {"TopicArn": TOPIC, "Message": "m", "Subject": "a\nb"},
    {"TopicArn": TOPIC, "Message": "m", "Subject": "x" * 100},
    {"TopicArn": TOPIC, "Message": "m", "MessageStructure": "json"},
    {"TopicArn": TOPIC, "Message": '{"email": "m"}', "MessageStructure": "json"},
    {"TopicArn": TOPIC, "Message": "m", "MessageStructure": "xml"},
    {"TopicArn": TOPIC, "Message": "m", "MessageGroupId": "g" * 129},
]
MESSAGE = {"TopicArn": TOPIC, "Message": "m"}
TEXT = {"DataType": "String", "StringValue": "v"}
TOPICS = [
    {"Name": "a b"},
    {"Name": "x" * 257},
    {"Name": "x", "Attributes": {"Colour": "red"}},
    {"Name": "x", "Attributes": {"DisplayName": "x" * 101}},
    {"Name": "x", "Tags": [{"Key": "aws:x", "Value": "v"}]},
    {"Name": "x", "Tags": [{"Key": "k" * 129, "Value": "v"}]},
]

ROLES = [
    {"RoleName": "x" * 65},
    {"RoleName": "a b"},
    {"RoleName": "limits", "Description": "x" * 1001},
    {"RoleName": "limits", "MaxSessionDuration": 60},
    {"RoleName": "limits", "MaxSessionDuration": "long"},
    {"RoleName": "limits", "Path": "x"},
]
LONG = json.dumps({"Statement": ["x" * 2048]})

REFUSED = [
    *((*PUT_DATA, request) for request in DATA),
    ("cloudwatch", "put_metric_data", "MissingParameter", {"Namespace": "Toys"}),
    *((*GET_DATA, request) for request in QUERIES),
    ("cloudwatch", "get_metric_data", "InvalidNextToken", query(QUERY, NextToken="x")),
    *((*PUT_ALARM, request) for request in ALARMS),
    ("cloudwatch", "describe_alarms", "ValidationError", {"MaxRecords": 101}),
    ("cloudwatch", "describe_alarms", "ValidationError", {"AlarmNames": ["a"], "AlarmNamePrefix": "a"}),
    ("cloudwatch", "describe_alarms", "InvalidNextToken", {"NextToken": "x"}),
    (
        "cloudwatch",
        "set_alarm_state",
        "InvalidFormat",
        {"AlarmName": "limits", "StateValue": "OK", "StateReason": "r", "StateReasonData": "{"},
    ),
    *((*PUBLISH, request) for request in MESSAGES),
    *(("sns", "create_topic", "InvalidParameter", request) for request in TOPICS),
    (
        "sqs",
        "create_queue",
        "InvalidAttributeValue",
        {"QueueName": "x", "Attributes": {"DelaySeconds": "901"}},
    ),
    ("sqs", "create_queue", "InvalidParameterValue", {"QueueName": "x", "Attributes": {"Colour": "red"}}),
    ("sqs", "send_message", "MissingParameter", {"QueueUrl": "http://x/1/q", "MessageBody": ""}),
    ("sqs", "send_message", "InvalidMessageContents", {"QueueUrl": "http://x/1/q", "MessageBody": "\x01"}),
    *(
        ("iam", "create_role", "MalformedInput" if "long" in request.values() else "ValidationError", request)
        for request in ({"AssumeRolePolicyDocument": TRUST, **role} for role in ROLES)
    ),
    ("iam", "create_role", "MalformedPolicyDocument", {"RoleName": "x", "AssumeRolePolicyDocument": "{"}),
    ("iam", "create_role", "LimitExceeded", {"RoleName": "x", "AssumeRolePolicyDocument": LONG}),
    ("ecr", "create_repository", "InvalidParameterException", {"repositoryName": "x"}),
    (
        "ecr",
        "create_repository",
        "InvalidTagParameterException",
        {"repositoryName": "limits", "tags": [{"Key": "aws:k", "Value": "v"}]},
    ),
    *(
        ("sns", "publish", "ParameterValueInvalid", {**MESSAGE, "MessageAttributes": {name: TEXT}})
        for name in ("a b", ".a", "a..b", "a.", "AWS.a", "x" * 257)
    ),
]


@pytest.mark.parametrize(("service", "operation", "code", "request_"), REFUSED)
def test_what_aws_refuses(
    aws: Aws, service: str, operation: str, code: str, request_: dict[str, Any]
) -> None:
    with pytest.raises(ClientError) as refused:
        getattr(aws.client(service, parameter_validation=False), operation)(**request_)
    assert refused.value.response["Error"]["Code"] == code


@pytest.mark.parametrize(
    ("service", "operation", "request_"),
    [
        ("cloudwatch", "put_metric_data", data(number=1000)),  # more than 10 KB, so boto3 compresses it
        ("cloudwatch", "put_metric_data", data(Timestamp=NOW - timedelta(days=13))),
        ("cloudwatch", "put_metric_data", values(Values=[1.0, 2.0], Counts=[3.0, 4.0])),
        ("cloudwatch", "get_metric_data", query(QUERY, stat(Stat="p99.9") | {"Id": "r"})),
        ("cloudwatch", "put_metric_alarm", alarm(Period=20, AlarmActions=[TOPIC])),
        ("cloudwatch", "put_metric_alarm", alarm(Period=3600, EvaluationPeriods=168)),
        ("cloudwatch", "put_metric_alarm", alarm("Statistic", ExtendedStatistic="p99.9")),
        ("cloudwatch", "put_metric_alarm", alarm(*MATH, Metrics=[QUERY])),
        ("sns", "publish", {"TopicArn": TOPIC, "Message": "m", "Subject": "Gr\u00f6\u00dfe " + "x" * 93}),
        ("sns", "publish", {**MESSAGE, "MessageAttributes": {"a.b-C_1": TEXT}}),
        ("sns", "publish", {"TopicArn": TOPIC, "Message": '{"default": "m"}', "MessageStructure": "json"}),
    ],
)
def test_what_aws_takes(aws: Aws, service: str, operation: str, request_: dict[str, Any]) -> None:
    aws.client("sns").create_topic(Name="limits")
    getattr(aws.client(service), operation)(**request_)


def test_nothing_is_known_of_a_new_alarm_and_a_changed_one_keeps_its_state(aws: Aws, name: str) -> None:
    cloudwatch = aws.client("cloudwatch")

    def put(threshold: float) -> tuple[str, float]:
        cloudwatch.put_metric_alarm(**alarm(AlarmName=name, Threshold=threshold))
        (found,) = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
        return found["StateValue"], found["Threshold"]

    assert put(1.0) == ("INSUFFICIENT_DATA", 1.0)
    cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="a test")
    assert put(2.0) == ("ALARM", 2.0)


@pytest.mark.parametrize(
    ("service", "form", "code"),
    [
        ("monitoring", "Action=DescribeAlarms&MaxRecords=101", "ValidationError"),
        ("monitoring", "Action=DescribeAlarms&MaxRecords=many", "MalformedInput"),
        ("sqs", "Action=ReceiveMessage&MaxNumberOfMessages=1", "InvalidParameterValue"),
    ],
)
def test_who_sends_a_form_reads_in_xml_why_it_is_refused(
    aws: Aws, service: str, form: str, code: str
) -> None:
    """Older clients do, and expect XML."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    request = AWSRequest("POST", f"{aws.endpoint_url}/", headers, form)
    SigV4Auth(Credentials("test", aws.server.secret), service, "us-east-1").add_auth(request)
    answer = URLLib3Session(proxies={}).send(request.prepare())
    assert answer.status_code == 400
    assert f"<Error><Type>Sender</Type><Code>{code}</Code>" in answer.text


NOT_BUCKETS = [
    *("ab", "x" * 64, "Upper", "under_score", "-ab", "ab-", "a..b", "192.168.5.4", "xn--abc", "sthree-abc"),
    *("amzn-s3-demo-abc", "abc-s3alias", "abc--ol-s3", "abc.mrap", "abc--table-s3"),
]


@pytest.mark.parametrize("name", NOT_BUCKETS)
def test_what_a_bucket_cannot_be_called(aws: Aws, name: str) -> None:
    with pytest.raises(ClientError) as refused:
        aws.client("s3", parameter_validation=False).create_bucket(Bucket=name)
    assert refused.value.response["Error"]["Code"] == "InvalidBucketName"


@pytest.mark.parametrize("name", ["abc", "1.a-b", "x" * 63])
def test_what_a_bucket_can_be_called(aws: Aws, name: str) -> None:
    aws.client("s3").create_bucket(Bucket=name)


def test_where_a_bucket_cannot_be(aws: Aws, name: str) -> None:
    with pytest.raises(ClientError, match="InvalidLocationConstraint"):
        aws.client("s3").create_bucket(
            Bucket=name, CreateBucketConfiguration={"LocationConstraint": "mars-1"}
        )


BACKWARDS = {"MultipartUpload": {"Parts": [{"PartNumber": number, "ETag": "e"} for number in (2, 1)]}}
TWICE = [{"Key": "k", "Value": "a"}, {"Key": "k", "Value": "b"}]


@pytest.mark.parametrize(
    ("operation", "code", "request_"),
    [
        ("delete_objects", "MalformedXML", {"Delete": {"Objects": []}}),
        ("delete_objects", "MalformedXML", {"Delete": {"Objects": [{"Key": f"{n}"} for n in range(1001)]}}),
        ("put_object_tagging", "InvalidTag", {"Key": "limits", "Tagging": {"TagSet": TWICE}}),
        ("put_object", "InvalidArgument", {"Key": "limits", "Tagging": "k=a&k=b"}),
        ("list_objects_v2", "InvalidArgument", {"MaxKeys": -1}),
        ("list_objects_v2", "InvalidArgument", {"ContinuationToken": "x"}),
        ("list_objects_v2", "InvalidArgument", {"EncodingType": "x"}),
        ("put_object", "InvalidArgument", {"Key": "limits", "ServerSideEncryption": "rot13"}),
        ("put_object", "InvalidArgument", {"Key": "limits", "ACL": "everyone"}),
        ("put_object", "InvalidDigest", {"Key": "limits", "ContentMD5": "x"}),
        ("put_object", "BadDigest", {"Key": "limits", "ContentMD5": "A" * 22 + "=="}),
        ("put_object", "InvalidRequest", {"Key": "limits", "ChecksumSHA256": "AAAA"}),
        ("put_object", "BadDigest", {"Key": "limits", "ChecksumSHA256": "A" * 43 + "="}),
        ("put_object", "BadDigest", {"Key": "limits", "ChecksumCRC32": "AAAAAQ=="}),
        ("upload_part", "InvalidArgument", {"Key": "limits", "UploadId": "x", "PartNumber": 0}),
        ("upload_part", "InvalidArgument", {"Key": "limits", "UploadId": "x", "PartNumber": 10_001}),
        ("upload_part", "NoSuchUpload", {"Key": "limits", "UploadId": "x", "PartNumber": 1}),
        ("complete_multipart_upload", "InvalidPartOrder", {"Key": "limits", "UploadId": "x", **BACKWARDS}),
    ],
)
def test_what_s3_refuses(aws: Aws, bucket: str, operation: str, code: str, request_: dict[str, Any]) -> None:
    with pytest.raises(ClientError) as refused:
        getattr(aws.client("s3", parameter_validation=False), operation)(Bucket=bucket, **request_)
    assert refused.value.response["Error"]["Code"] == code


def test_an_upload_may_say_what_the_whole_object_is(aws: Aws, bucket: str) -> None:
    s3, where = aws.client("s3"), {"Bucket": bucket, "Key": "limits"}
    upload = s3.create_multipart_upload(**where, ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT")
    where["UploadId"] = upload["UploadId"]
    part = s3.upload_part(**where, PartNumber=1, Body=b"content")
    parts = [{"PartNumber": 1, "ETag": part["ETag"]}]
    crc32 = base64.b64encode(zlib.crc32(b"content").to_bytes(4, "big")).decode()
    s3.complete_multipart_upload(**where, MultipartUpload={"Parts": parts}, ChecksumCRC32=crc32)
    assert s3.get_object(Bucket=bucket, Key="limits")["Body"].read() == b"content"


def test_a_thousand_objects_are_deleted_at_once(aws: Aws, bucket: str) -> None:
    objects = [{"Key": f"limits/{number}"} for number in range(1000)]
    assert len(aws.client("s3").delete_objects(Bucket=bucket, Delete={"Objects": objects})["Deleted"]) == 1000
