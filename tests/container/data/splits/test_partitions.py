"""Partitions of a table: which there are, which tables have none, and how rows are dealt into shards."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.container.tables import give_options, refusal
from tabular.data.preparation.prepare import prepare
from tabular.data.splits.files import read_split
from tabular.data.splits.partitions import MOST, Partitions, find_partitions, spellings
from tabular.data.splits.shards import deal, how_many, read_partitions, read_shard, shard_files
from tabular.data.tables import read_table
from tabular.spec.columns import Column, Schema
from tabular.spec.errors import BadInput
from tabular.spec.options import Options


def stores(rows=(50, 30, 2, 1, 17), seed=0, **more):
    """A table of partitions with these numbers of rows, in no order."""
    draw = np.random.default_rng(seed)
    names = np.repeat([f"store {place}" for place in range(len(rows))], rows)
    size = draw.normal(size=len(names)).round(6)
    table = pd.DataFrame({"store": names, "size": size, "target": np.where(size > 0, "yes", "no")})
    return table.assign(**more).sample(frac=1, random_state=seed)


def read(path):
    """Each partition of a job's training shards by its key, as a frame with the target."""
    found = {}
    for file in shard_files(path / "train"):
        shard = read_shard(file)
        for one in shard.partitions:
            rows = shard.rows_of(one)
            frame = shard.frame.iloc[rows].reset_index(drop=True)
            found[tuple(one["key"])] = (one, frame.assign(target=shard.target[rows]))
    return found


def run(base, run_module, table, **options):
    from support.container.jobs import give_table
    from tabular.jobs import preprocess

    options = {"partition": ["store"], **options}
    give_options(base, **options)
    give_table(base, table, "table.csv")
    arguments = {"target": "target", "family": "classification", "test_size": "0.25"}
    run_module(preprocess.main, **arguments, stratify="true", random_state="7")
    return base / "processing/output"


def test_columns_that_name_the_same_shops_need_no_product_of_their_values():
    names = [f"{place:04d}" for place in range(8_000)]
    about = [f"{column} of the shop" for column in ("number", "street", "phone", "owner", "key")]
    table = pd.DataFrame(dict.fromkeys(about, names * 2))  # 8,000 to the fifth power is more than 64 bits
    columns = tuple(Column(name, "categorical") for name in about)
    schema = Schema("regression", "y", (), columns, Options(partition=tuple(about)))
    found = find_partitions(table, schema)
    assert found.keys == tuple((name,) * 5 for name in names)
    assert found.number.tolist() == list(range(8_000)) * 2


def test_a_fleet_becomes_shards_and_one_split_of_held_out_rows(base, run_module):
    table = stores()
    output = run(base, run_module, table)
    report = json.loads((output / "report/preprocessing.json").read_text())
    parts = read(output)
    assert len(parts) == report["partitions"]["count"] == 5
    assert len(shard_files(output / "train")) == 5
    frame, target, schema = read_split(output / "test")
    held_out = read_partitions(output / "test")
    assert [one["key"] for one in held_out] == [[f"store {place}"] for place in range(5)]
    for one in held_out:
        rows = slice(one["held_out_start"], one["held_out_start"] + one["held_out"])
        assert set(frame["store"].iloc[rows]) <= {one["key"][0]}
        of_training, training = parts[tuple(one["key"])]
        assert {**of_training, "held_out_start": one["held_out_start"]} == one
        # Every row of the partition is in one of the splits, as it was.
        seen = pd.concat([training, frame.iloc[rows].assign(target=target[rows])])
        given_rows = table[table["store"] == one["key"][0]]
        assert sorted(seen["size"]) == sorted(given_rows["size"])
        assert len(training) == one["rows"] >= 1
    assert report["rows_train"] + report["rows_test"] == report["rows_read"] == len(table)
    assert report["split"]["by"] == "stratified, within each partition"
    assert schema.options.partition == ("store",)
    facts = report["partitions"]
    assert facts["rows"] == {"min": 1, "first_quartile": 2, "median": 17, "third_quartile": 30, "max": 50}
    assert facts["smallest"][0] == {"key": ["store 3"], "rows": 1}
    assert facts["few_rows"] == 3
    assert facts["without_held_out_rows"] >= 1


def test_a_partition_keeps_its_hash_and_its_rows_whatever_the_others_and_the_order(base, run_module):
    table = stores(seed=1)
    before = read(run(base, run_module, table))
    changed = pd.concat([table, stores((40, 3), seed=2).replace({"store 0": "another"})])
    for path in base.rglob("*.parquet"):
        path.unlink()
    after = read(run(base, run_module, changed.sample(frac=1, random_state=9)))
    same = [key for key in before if key != ("store 1",)]
    for key in same:
        assert before[key][0]["sha256"] == after[key][0]["sha256"]
        pd.testing.assert_frame_equal(before[key][1], after[key][1])
    assert before[("store 1",)][0]["sha256"] != after[("store 1",)][0]["sha256"]
    assert len({one["sha256"] for one, _ in after.values()}) == len(after) == 6


def test_a_held_out_row_that_changes_changes_the_hash(base, run_module):
    table = stores()
    output = run(base, run_module, table)
    before = read(output)
    frame, _, _ = read_split(output / "test")
    changed = table.copy()
    changed.loc[changed["size"] == frame["size"].iloc[0], "size"] += 100
    after = read(run(base, run_module, changed))
    assert {key for key in before if before[key][0]["sha256"] != after[key][0]["sha256"]} == {
        (frame["store"].iloc[0],)
    }


@pytest.mark.parametrize(
    ("change", "options", "sentence"),
    [
        ({}, {"partition": ["shop"]}, "Unknown column in partition 'shop'; the known ones are 'store'"),
        ({}, {"partition": ["target"]}, "The target 'target' is in partition"),
        ({"store": [f"s{place}" for place in range(100)]}, {}, "Every row has its own value of 'store'"),
        ({"store": ["a"] * 100}, {}, "'store' has the same value in every row"),
        ({"store": ["a"] * 60 + [None] * 40}, {}, "'store' is empty in 40 rows"),
        ({"store": ["a", "b", "-", "a"] * 25}, {"missing": ["-"]}, "'store' is empty in 25 rows"),
        ({}, {"drop": ["store"]}, "'store' is in partition and in drop"),
        ({}, {"numeric": ["store"]}, "'store' is in partition and in numeric"),
        ({}, {"group": "store"}, "'store' is in partition and is the group column"),
        ({}, {"time": "store"}, "'store' is in partition and is the time column"),
    ],
)
def test_a_table_without_usable_partitions_is_refused(base, run_module, change, options, sentence):
    with pytest.raises(SystemExit, match=sentence):
        run(base, run_module, stores().assign(**change), **options)


def test_at_most_a_hundred_thousand_partitions():
    table = pd.DataFrame({"store": [f"{place:06d}" for place in range(MOST + 1)] + ["000000"]})
    schema = Schema("regression", "y", (), (Column("store", "categorical"),), Options(partition="store"))
    with pytest.raises(BadInput, match="There are 100,001 partitions by 'store', and at most 100,000"):
        find_partitions(table, schema)


def test_numbers_are_names_of_partitions_as_they_are_written(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(
        "store,size,target\n" + "".join(f"0{i % 3},{i},{i % 2}\n0{i % 3}.0,{i},{i % 2}\n" for i in range(60))
    )
    prepared = prepare(read_table([path], Options(partition="store")), "target", Options(partition="store"))
    assert prepared.partitions.keys == (("00",), ("00.0",), ("01",), ("01.0",), ("02",), ("02.0",))


def test_several_columns_make_a_partition_of_each_combination_that_occurs(tmp_path):
    table = stores((30, 30, 30), brand=["x", "y"] * 45)
    table = table[~((table["store"] == "store 1") & (table["brand"] == "y"))]
    path = tmp_path / "t.csv"
    table.to_csv(path, index=False)
    options = Options(partition=("store", "brand"))
    partitions = prepare(read_table([path], options), "target", options).partitions
    assert len(partitions.keys) == 5
    assert ("store 1", "y") not in partitions.keys
    keys = [partitions.keys[number] for number in partitions.number]
    assert keys == list(zip(table["store"], table["brand"], strict=True))


@pytest.mark.parametrize("merge", [False, True])
def test_names_that_differ_in_case_are_said_and_merged_only_if_asked(tmp_path, merge):
    table = stores((40, 30, 30)).replace({"store 1": "STORE 0 "})
    path = tmp_path / "t.csv"
    table.to_csv(path, index=False)
    options = Options(partition="store", merge_spellings=("store",) if merge else ())
    prepared = prepare(read_table([path], options), "target", options)
    assert prepared.partitions.count == (2 if merge else 3)
    said = [one["said"] for one in prepared.report["warnings"] if one["column"] == "store"]
    alike = [text for text in said if "differ only in blanks, case or Unicode form" in text]
    assert len(alike) == (0 if merge else 1)
    assert merge or alike[0].startswith("'STORE 0' and 'store 0' differ")  # the blank does not count


def test_only_some_of_many_doubled_names_have_a_sentence_each():
    names = [name for place in range(5) for name in (f"a{place}", f"A{place}")]
    partitions = Partitions(("store",), tuple((name,) for name in sorted(names)), np.arange(10))
    said = [one["said"] for one in spellings(partitions.names, "partitions")]
    assert len(said) == 4
    assert said[-1].startswith("2 further names")


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 500), min_size=1, max_size=400))
def test_shards_are_balanced_whole_and_the_same_again(rows):
    rows = np.array(rows)
    shards = how_many(len(rows))
    dealt = deal(rows, shards)
    np.testing.assert_array_equal(dealt, deal(rows, shards))
    counted = np.maximum(rows, 1)  # what a partition counts for in a shard
    load = np.bincount(dealt, weights=counted, minlength=shards)
    assert load.sum() == counted.sum()
    # No shard is empty, and none has more than another by more than a partition of its own.
    assert load.min() >= 1
    fullest = int(load.argmax())
    assert load.max() - load.min() <= counted[dealt == fullest].min()


@pytest.mark.parametrize(("partitions", "shards"), [(3, 3), (300, 64), (16_385, 65), (100_000, 391)])
def test_there_are_shards_for_many_instances_and_none_is_large(partitions, shards):
    assert how_many(partitions) == shards


def test_a_refused_fleet_says_one_sentence(preprocess_data, base):
    give_options(base, partition=["store"])
    assert "is empty in 1 row" in refusal(
        preprocess_data, stores().assign(store=[None, *["a", "b", "c"] * 33])
    )
