"""Many groups at once, one map: nothing is lost, few writes are made, and only who is late is refused."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from support import HANGS

from contract import names
from lambdas import models_map
from lambdas.deployer.switching import Switches
from lambdas.errors import SupersededError

BUCKET = "shop-123456789012-us-east-1"
GROUPS = [f"shop--table-{number:02}" for number in range(24)]


def entry(group, version=1):
    return {
        "key": f"models/{group}/{version}-aaaaaaaaaaaa.tar.gz",
        "version": version,
        "sha256": f"{version}" * 64,
        "approved_at": "2026-01-05T09:30:00+00:00",
    }


@pytest.fixture
def writes(s3):
    """The versions of the map that were written."""
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    key = names.load().models_map_key
    return lambda: len(s3.list_object_versions(Bucket=BUCKET, Prefix=key).get("Versions", []))


def test_groups_that_wait_for_a_write_share_the_next_one(s3, writes):
    switches, first, others = Switches(s3, BUCKET), threading.Event(), threading.Event()

    def asked():
        first.set()
        return others.wait(HANGS)

    with ThreadPoolExecutor(len(GROUPS)) as pool:
        leader = pool.submit(switches.switch, GROUPS[0], entry(GROUPS[0]), asked)
        assert first.wait(HANGS)
        waiting = [pool.submit(switches.switch, group, entry(group), lambda: True) for group in GROUPS[1:]]
        while len(switches._waiting) < len(waiting):
            time.sleep(0.01)
        others.set()
        assert [found.result(HANGS) for found in [leader, *waiting]] == [None] * len(GROUPS)
    assert models_map.read(s3, BUCKET).entries == {group: entry(group) for group in GROUPS}
    assert writes() == 2


def test_two_deployers_lose_nothing_to_each_other(s3):
    """As in two functions: each has switches of its own, and only the map's ETag between them."""
    deployers = [Switches(s3, BUCKET), Switches(s3, BUCKET)]

    def switch(number):
        group = GROUPS[number]
        return deployers[number % 2].switch(group, entry(group), lambda: True)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(switch, range(len(GROUPS))))
    assert models_map.read(s3, BUCKET).entries == {group: entry(group) for group in GROUPS}


def test_only_the_group_that_has_changed_is_refused(s3):
    switches = Switches(s3, BUCKET)
    with ThreadPoolExecutor(2) as pool:
        late = pool.submit(switches.switch, GROUPS[0], entry(GROUPS[0]), lambda: False)
        good = pool.submit(switches.switch, GROUPS[1], entry(GROUPS[1]), lambda: True)
        assert good.result(HANGS) is None
        with pytest.raises(SupersededError):
            late.result(HANGS)
    assert models_map.read(s3, BUCKET).entries.keys() == {GROUPS[1]}


def test_the_registry_is_asked_again_only_if_somebody_has_changed_the_group(s3):
    """A write that another group's was faster than needs no other question, which AWS would throttle."""
    group, asked = GROUPS[0], []

    def is_current():
        asked.append(group)  # another group's deployer is faster, between our read and our write
        models_map.change(s3, BUCKET, lambda entries: {**entries, GROUPS[1]: entry(GROUPS[1])})
        return True

    assert Switches(s3, BUCKET).switch(group, entry(group), is_current) is None
    assert asked == [group]
    assert models_map.read(s3, BUCKET).entries.keys() == {GROUPS[0], GROUPS[1]}

    def changed():
        asked.append(group)
        if len(asked) == 2:  # and now a deployer of this group
            models_map.change(s3, BUCKET, lambda entries: {**entries, group: entry(group, 3)})
            return True
        return False

    with pytest.raises(SupersededError):
        Switches(s3, BUCKET).switch(group, entry(group, 2), changed)
    assert models_map.read(s3, BUCKET).entries[group] == entry(group, 3)


def test_a_group_that_is_removed_has_no_entry(s3):
    switches = Switches(s3, BUCKET)
    for group in GROUPS[:2]:
        switches.switch(group, entry(group), lambda: True)
    assert switches.switch(GROUPS[0], None, lambda: True) == entry(GROUPS[0])
    assert models_map.read(s3, BUCKET).entries == {GROUPS[1]: entry(GROUPS[1])}


def test_an_error_reaches_everyone_who_waited(s3, monkeypatch):
    monkeypatch.setattr(models_map, "read", lambda *_: 1 / 0)
    switches = Switches(s3, BUCKET)
    with ThreadPoolExecutor(4) as pool:
        for found in [
            pool.submit(switches.switch, group, entry(group), lambda: True) for group in GROUPS[:4]
        ]:
            with pytest.raises(ZeroDivisionError):
                found.result(HANGS)


def test_a_map_that_has_not_changed_is_not_fetched_again(s3, monkeypatch):
    switches, parsed = Switches(s3, BUCKET), []
    parse = models_map._parse
    monkeypatch.setattr(models_map, "_parse", lambda *about: parsed.append(about) or parse(*about))
    models_map.change(s3, BUCKET, lambda _: {group: entry(group) for group in GROUPS})
    for group in GROUPS:
        assert switches.current(group) == entry(group)
        assert switches.switch(group, entry(group), lambda: True) == entry(group)
    assert len(parsed) == 1
    models_map.change(s3, BUCKET, lambda _: {})
    assert switches.current(GROUPS[0]) is None
