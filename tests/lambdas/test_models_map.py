"""The models map: read with its ETag, changed only by compare-and-swap."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.stub import Stubber
from support import HANGS

from contract import names
from lambdas import models_map
from lambdas.errors import MapError

BUCKET = "shop-123456789012-us-east-1"
KEY = names.load().models_map_key


def entry(version):
    return {
        "key": f"models/shop--iris/{version}-aaaaaaaaaaaa.tar.gz",
        "version": version,
        "sha256": "a" * 64,
        "approved_at": "2026-01-05T09:30:00+00:00",
    }


def adding(group, version=1):
    return lambda entries: {**entries, group: entry(version)}


def versions_of_the_object(s3):
    return len(s3.list_object_versions(Bucket=BUCKET, Prefix=KEY).get("Versions", []))


def test_a_missing_map_is_empty(s3):
    assert models_map.read(s3, BUCKET) == models_map.Snapshot({}, None)


def test_what_is_written_is_read_back(s3):
    change = models_map.change(s3, BUCKET, adding("shop--iris"))
    assert change == ({}, {"shop--iris": entry(1)})
    assert models_map.read(s3, BUCKET).entries == {"shop--iris": entry(1)}


def test_the_object_is_plain_json(s3):
    models_map.change(s3, BUCKET, adding("shop--iris"))
    answer = s3.get_object(Bucket=BUCKET, Key=KEY)
    assert answer["ContentType"] == "application/json"
    assert json.load(answer["Body"]) == {"shop--iris": entry(1)}


def test_an_unchanged_map_is_not_read_twice(s3):
    models_map.change(s3, BUCKET, adding("shop--iris"))
    known = models_map.read(s3, BUCKET)
    assert models_map.read(s3, BUCKET, known=known) is known


def test_a_changed_map_is_read_again(s3):
    models_map.change(s3, BUCKET, adding("shop--iris", 1))
    known = models_map.read(s3, BUCKET)
    models_map.change(s3, BUCKET, adding("shop--iris", 2))
    assert models_map.read(s3, BUCKET, known=known).entries["shop--iris"]["version"] == 2


def test_each_group_has_a_line_of_the_object(s3):
    for group in ("shop--wine", "shop--iris"):
        models_map.change(s3, BUCKET, adding(group))
    lines = s3.get_object(Bucket=BUCKET, Key=KEY)["Body"].read().decode().splitlines()
    assert [line.partition(":")[0] for line in lines] == ["{", '"shop--iris"', '"shop--wine"', "}"]
    models_map.change(s3, BUCKET, lambda _: {})
    assert json.load(s3.get_object(Bucket=BUCKET, Key=KEY)["Body"]) == {}


@pytest.mark.parametrize("existing", [False, True])
def test_nothing_is_written_when_nothing_changes(s3, existing):
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    if existing:
        models_map.change(s3, BUCKET, adding("shop--iris"))
    before = versions_of_the_object(s3)
    models_map.change(s3, BUCKET, lambda entries: entries)
    assert versions_of_the_object(s3) == before


def test_an_edit_in_place_is_noticed(s3):
    models_map.change(s3, BUCKET, adding("shop--iris"))

    def edit(entries):
        entries["shop--iris"]["version"] = 2
        return entries

    assert models_map.change(s3, BUCKET, edit).before["shop--iris"]["version"] == 1
    assert models_map.read(s3, BUCKET).entries["shop--iris"]["version"] == 2


@pytest.mark.parametrize("existing", [False, True])
def test_a_lost_race_applies_the_edit_to_the_winners_map(s3, existing):
    if existing:
        models_map.change(s3, BUCKET, adding("shop--wine"))
    seen = []

    def edit(entries):
        seen.append(set(entries))
        if len(seen) == 1:  # another deployer is faster, between our read and our write
            models_map.change(s3, BUCKET, adding("shop--digits"))
        return {**entries, "shop--iris": entry(1)}

    models_map.change(s3, BUCKET, edit)
    assert len(seen) == 2
    assert "shop--digits" in seen[1]
    assert {"shop--iris", "shop--digits"} <= models_map.read(s3, BUCKET).entries.keys()


@pytest.mark.runtime
def test_a_map_deleted_during_the_edit_is_written_again(s3):
    models_map.change(s3, BUCKET, adding("shop--wine"))
    applied = []

    def edit(entries):
        if not applied:
            s3.delete_object(Bucket=BUCKET, Key=KEY)
        applied.append(entries)
        return {**entries, "shop--iris": entry(1)}

    models_map.change(s3, BUCKET, edit)
    assert models_map.read(s3, BUCKET).entries.keys() == {"shop--iris"}


@pytest.mark.runtime
def test_a_conflict_is_retried_like_a_lost_race(s3):
    with Stubber(s3) as stub:
        for code, status in [("ConditionalRequestConflict", 409), ("PreconditionFailed", 412)]:
            stub.add_client_error("get_object", "NoSuchKey", http_status_code=404)
            stub.add_client_error("put_object", code, http_status_code=status)
        stub.add_client_error("get_object", "NoSuchKey", http_status_code=404)
        stub.add_response("put_object", {})
        assert models_map.change(s3, BUCKET, adding("shop--iris")).after.keys() == {"shop--iris"}
        stub.assert_no_pending_responses()


@pytest.mark.runtime
def test_another_error_is_not_retried(s3):
    with Stubber(s3) as stub, pytest.raises(s3.exceptions.ClientError, match="AccessDenied"):
        stub.add_client_error("get_object", "NoSuchKey", http_status_code=404)
        stub.add_client_error("put_object", "AccessDenied", http_status_code=403)
        models_map.change(s3, BUCKET, adding("shop--iris"))


@pytest.mark.runtime
def test_losing_every_race_is_an_error_that_says_so(s3, monkeypatch):
    monkeypatch.setattr(models_map, "PATIENCE", 0.2)

    def edit(entries):
        number = entries.get("shop--wine", entry(0))["version"]
        s3.put_object(Bucket=BUCKET, Key=KEY, Body=json.dumps({"shop--wine": entry(number + 1)}))
        return {**entries, "shop--iris": entry(1)}

    with pytest.raises(MapError, match=r"by others in each of [1-9]\d* attempts"):
        models_map.change(s3, BUCKET, edit)


def test_two_threads_that_read_the_same_map_both_get_their_change(s3):
    """Both have the same ETag when they write, so exactly one must lose, read again and then win."""
    together = threading.Barrier(2, timeout=HANGS)
    applications = {"shop--iris": 0, "shop--wine": 0}

    def edit_for(group):
        def edit(entries):
            applications[group] += 1
            if applications[group] == 1:
                together.wait()
            return {**entries, group: entry(1)}

        return edit

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda group: models_map.change(s3, BUCKET, edit_for(group)), applications))
    assert sorted(applications.values()) == [1, 2]
    assert models_map.read(s3, BUCKET).entries.keys() == applications.keys()


def test_no_change_is_lost_among_racing_threads(s3):
    def count(_):
        def edit(entries):
            number = entries["shop--iris"]["version"] if entries else 0
            return {"shop--iris": entry(number + 1)}

        models_map.change(s3, BUCKET, edit)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(count, range(20)))
    assert models_map.read(s3, BUCKET).entries["shop--iris"]["version"] == 20


@pytest.mark.parametrize(
    "body",
    [b"", b"not json", b"[]", b'"text"', b"\xff"],
)
def test_what_is_no_map_is_refused_with_a_way_out(s3, body):
    s3.put_object(Bucket=BUCKET, Key=KEY, Body=body)
    with pytest.raises(MapError, match="delete it and run the deployer"):
        models_map.read(s3, BUCKET)


@pytest.mark.runtime
def test_a_map_that_may_not_be_read_is_not_mistaken_for_a_missing_one(s3):
    with Stubber(s3) as stub, pytest.raises(s3.exceptions.ClientError, match="AccessDenied"):
        stub.add_client_error("get_object", "AccessDenied", http_status_code=403)
        models_map.read(s3, BUCKET)


@pytest.mark.parametrize("wrong", [3, None, [], {"version": 3}, {**entry(1), "key": None}])
def test_an_entry_that_names_no_artifact_is_none_and_goes_with_the_next_change(s3, wrong):
    s3.put_object(Bucket=BUCKET, Key=KEY, Body=json.dumps({"shop--iris": wrong, "shop--wine": entry(2)}))
    assert models_map.read(s3, BUCKET).entries == {"shop--wine": entry(2)}
    models_map.change(s3, BUCKET, adding("shop--iris"))
    written = json.load(s3.get_object(Bucket=BUCKET, Key=KEY)["Body"])
    assert written == {"shop--iris": entry(1), "shop--wine": entry(2)}
