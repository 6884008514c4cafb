"""Which archives may be served, and how they are kept."""

import dataclasses
import gzip
import hashlib
import io
import json
import tarfile

import pytest
from botocore.stub import Stubber
from support.lambdas.described import described

from lambdas.deployer import artifacts
from lambdas.deployer.registry import Package
from lambdas.errors import ArtifactError

BUCKET = "shop-123456789012-us-east-1"
SOURCE = f"s3://{BUCKET}/executions/refit/output/model.tar.gz"
PACKAGE = Package("shop--iris", 3, "arn", SOURCE, "2026-01-05T09:30:00+00:00")


def member(name, kind=tarfile.REGTYPE, target=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


@pytest.fixture
def check(pack):
    return lambda *arguments: artifacts.check(io.BytesIO(pack(*arguments)), "s3://b/k")


@pytest.fixture
def source(s3, pack):
    """An artifact where the pipeline left it."""
    content = pack(described({"arrays.bin": b"a model"}))
    s3.put_object(Bucket=BUCKET, Key="executions/refit/output/model.tar.gz", Body=content)
    return content


def tags(s3, key):
    return s3.get_object_tagging(Bucket=BUCKET, Key=key)["TagSet"]


@pytest.mark.parametrize("start", ["", "./"])
def test_an_archive_whose_manifest_describes_it_passes(check, start):
    files = described({"trees/forest.bin": b"0"})
    manifest = check(
        {start + name: content for name, content in files.items()}, [member("trees", tarfile.DIRTYPE)]
    )
    assert manifest == json.loads(files["manifest.json"])


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"arrays.bin": b"other"}, "arrays.bin"),
        ({"more.bin": b"0"}, "more.bin"),
        ({"arrays.bin": None}, "arrays.bin"),
    ],
    ids=["changed", "unnamed", "missing"],
)
def test_a_file_that_is_not_as_the_manifest_says_is_refused(check, change, name):
    files = {**described({"arrays.bin": b"a model"}), **change}
    with pytest.raises(ArtifactError, match=rf"does not contain '{name}' with the SHA-256"):
        check({path: content for path, content in files.items() if content is not None})


@pytest.mark.parametrize(
    "manifest",
    [
        b"",
        b"not JSON",
        b"[]",
        b"{}",
        b'{"files": {}}',
        b'{"files": {}, "sample": {"instances": [], "predictions": []}}',
        b'{"files": {}, "sample": {"instances": [[1]], "predictions": []}}',
        b'{"files": [], "sample": {"instances": [[1]], "predictions": [1]}}',
    ],
)
def test_a_manifest_without_files_or_sample_rows_is_refused(check, manifest):
    with pytest.raises(ArtifactError, match="without file names, or without sample rows"):
        check({"manifest.json": manifest})


@pytest.mark.parametrize("files", [{}, {"model.joblib": b"0"}, {"model/manifest.json": b"{}"}])
def test_an_archive_without_a_manifest_at_its_top_is_refused(check, files):
    with pytest.raises(ArtifactError, match=r"has no manifest\.json at its top"):
        check(files)


@pytest.mark.parametrize("name", ["/etc/passwd", "../evil", "a/../../evil", "..", "//evil", "./../evil"])
def test_a_path_that_leaves_the_archive_is_refused(check, name):
    with pytest.raises(ArtifactError, match="outside its own folder"):
        check({"manifest.json": b"{}", name: b"0"})


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE]
)
def test_links_and_devices_are_refused(check, kind):
    with pytest.raises(ArtifactError, match="neither a file nor a folder"):
        check({"manifest.json": b"{}"}, [member("arrays.bin", kind, "manifest.json")])


def test_a_manifest_that_is_a_link_is_refused(check):
    with pytest.raises(ArtifactError, match="neither a file nor a folder"):
        check({"other.json": b"{}"}, [member("manifest.json", tarfile.SYMTYPE, "other.json")])


def damaged(pack):
    whole = pack({"manifest.json": b"{}", "arrays.bin": bytes(range(256)) * 64})
    flipped = whole[:-8] + bytes([whole[-8] ^ 1]) + whole[-7:]  # the checksum of gzip
    return {
        "empty": b"",
        "text": b"not an archive",
        "plain tar": gzip.decompress(whole),
        "gzip of text": gzip.compress(b"not a tar" * 100),
        "cut short": whole[: len(whole) // 2],
        "last byte missing": whole[:-1],
        "wrong checksum": flipped,
    }


@pytest.mark.parametrize(
    "kind",
    ["empty", "text", "plain tar", "gzip of text", "cut short", "last byte missing", "wrong checksum"],
)
def test_a_damaged_archive_is_refused(pack, kind):
    with pytest.raises(ArtifactError, match=r"is not a readable tar\.gz archive"):
        artifacts.check(io.BytesIO(damaged(pack)[kind]), "s3://b/k")


def test_the_copy_is_named_after_version_and_digest(s3, source):
    entry = artifacts.deposit(s3, BUCKET, PACKAGE).entry
    assert entry["key"] == f"models/shop--iris/3-{entry['sha256'][:12]}.tar.gz"
    assert s3.get_object(Bucket=BUCKET, Key=entry["key"])["Body"].read() == source


def test_a_copy_that_is_there_is_not_written_again(s3, source):
    key = artifacts.deposit(s3, BUCKET, PACKAGE).entry["key"]
    written = s3.head_object(Bucket=BUCKET, Key=key)["LastModified"]
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    assert artifacts.deposit(s3, BUCKET, PACKAGE).entry["key"] == key
    assert s3.head_object(Bucket=BUCKET, Key=key)["LastModified"] == written
    assert len(s3.list_object_versions(Bucket=BUCKET, Prefix=key)["Versions"]) == 1


@pytest.mark.runtime
def test_losing_the_race_for_the_copy_is_no_failure(s3, source, monkeypatch):
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    key = artifacts.deposit(s3, BUCKET, PACKAGE).entry["key"]
    monkeypatch.setattr(artifacts, "keep", lambda *_: False)  # it was not there a moment ago
    assert artifacts.deposit(s3, BUCKET, PACKAGE).entry["key"] == key
    assert len(s3.list_object_versions(Bucket=BUCKET, Prefix=key)["Versions"]) == 1


def test_a_copy_that_is_not_allowed_is_raised(s3, source, monkeypatch):
    monkeypatch.setattr(artifacts, "keep", lambda *_: False)

    def refuse(**_):
        raise s3.exceptions.ClientError({"Error": {"Code": "AccessDenied"}}, "PutObject")

    monkeypatch.setattr(s3, "put_object", refuse)
    with pytest.raises(s3.exceptions.ClientError, match="AccessDenied"):
        artifacts.deposit(s3, BUCKET, PACKAGE)


def test_a_refused_archive_leaves_nothing_behind(s3):
    s3.put_object(Bucket=BUCKET, Key="executions/refit/output/model.tar.gz", Body=b"not an archive")
    with pytest.raises(ArtifactError):
        artifacts.deposit(s3, BUCKET, PACKAGE)
    assert s3.list_objects_v2(Bucket=BUCKET, Prefix="models/")["KeyCount"] == 0


@pytest.mark.runtime
def test_a_missing_source_is_named(s3):
    with pytest.raises(ArtifactError, match=rf"{SOURCE} cannot be read \(NoSuchKey\)"):
        artifacts.deposit(s3, BUCKET, PACKAGE)


@pytest.mark.parametrize(
    "url", ["https://example.com/model.tar.gz", "s3://bucket", "s3://bucket/", "model.tar.gz"]
)
def test_an_address_outside_s3_is_refused(s3, url):
    package = Package("shop--iris", 3, "arn", url, "2026-01-05T09:30:00+00:00")
    with pytest.raises(ArtifactError, match="is not an s3://bucket/key address"):
        artifacts.deposit(s3, BUCKET, package)


@pytest.mark.runtime
def test_retiring_adds_one_tag_and_keeping_takes_it_off(s3, source):
    key = artifacts.deposit(s3, BUCKET, PACKAGE).entry["key"]
    own = {"Key": "owner", "Value": "someone"}
    s3.put_object_tagging(Bucket=BUCKET, Key=key, Tagging={"TagSet": [own]})
    assert artifacts.retire(s3, BUCKET, key)
    assert not artifacts.retire(s3, BUCKET, key)
    assert tags(s3, key) == [own, artifacts.RETIRED]
    assert s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() == source
    assert artifacts.keep(s3, BUCKET, key)
    assert tags(s3, key) == [own]


def test_the_days_until_a_retired_artifact_expires_begin_when_it_is_retired(s3, source):
    """A lifecycle rule counts them from the writing of the object: it is written again."""
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    key = artifacts.deposit(s3, BUCKET, PACKAGE).entry["key"]
    artifacts.retire(s3, BUCKET, key)
    assert len(s3.list_object_versions(Bucket=BUCKET, Prefix=key)["Versions"]) == 2


def test_what_is_gone_is_neither_kept_nor_retired(s3):
    assert not artifacts.retire(s3, BUCKET, "models/shop--iris/1-aaaaaaaaaaaa.tar.gz")
    assert not artifacts.keep(s3, BUCKET, "models/shop--iris/1-aaaaaaaaaaaa.tar.gz")


@pytest.mark.runtime
def test_tags_that_may_not_be_read_are_not_mistaken_for_absence(s3):
    with Stubber(s3) as stub, pytest.raises(s3.exceptions.ClientError, match="AccessDenied"):
        stub.add_client_error("get_object_tagging", "AccessDenied", http_status_code=403)
        artifacts.keep(s3, BUCKET, "models/shop--iris/1-aaaaaaaaaaaa.tar.gz")


def test_an_archive_that_unpacks_to_more_than_memory_or_time_allows_is_refused(check, pack, monkeypatch):
    """Each of these is a few hundred bytes, and would be many megabytes."""
    monkeypatch.setattr(artifacts, "MOST_AT_ONCE", 1 << 20)
    monkeypatch.setattr(artifacts, "MOST_FILES", 5)
    with pytest.raises(ArtifactError, match=r"has a manifest\.json of more than 1,048,576 bytes"):
        check({"manifest.json": b" " * (1 << 21)})
    with pytest.raises(ArtifactError, match="has more than 5 files"):
        check(described({f"{number}.bin": b"" for number in range(5)}))
    header = member("x" * (1 << 21))  # a name so long is in a header of its own
    with pytest.raises(ArtifactError, match="has a header of more than 1,048,576 bytes"):
        check({"manifest.json": b"{}"}, [header])
    assert check(described({"arrays.bin": bytes(1 << 21)}))["files"]  # other files may be large,
    monkeypatch.setattr(artifacts, "MOST_BYTES", 1 << 20)  # but not too large in all
    with pytest.raises(ArtifactError, match="has more than 1,048,576 bytes when unpacked"):
        check(described({"arrays.bin": bytes(1 << 21)}))


@pytest.mark.parametrize("field", ["sha256", "etag"])
def test_only_the_model_that_was_registered_is_copied(s3, source, field):
    right = {"sha256": hashlib.sha256(source).hexdigest(), "etag": hashlib.md5(source).hexdigest()}
    assert (
        artifacts.deposit(s3, BUCKET, dataclasses.replace(PACKAGE, **right)).entry["sha256"]
        == right["sha256"]
    )
    package = dataclasses.replace(PACKAGE, **{**right, field: "another"})
    with pytest.raises(
        ArtifactError, match="is not the model that was registered as version 3 of shop--iris"
    ):
        artifacts.deposit(s3, BUCKET, package)
