"""The one contract file, as the functions read it."""

import dataclasses
import importlib
import json
import re
from pathlib import Path

import pytest

from contract import names
from contract.names import NamingError

DOCUMENT = Path(names.__file__).with_name("contract.json").read_text(encoding="utf-8")


def test_the_pipeline_name_is_the_only_placeholder():
    assert set(re.findall(r"\$\{.*?\}", DOCUMENT)) == {names.PLACEHOLDER}


def test_without_a_pipeline_name_the_contract_is_as_written():
    assert names.load().functions["deployer"].name == "${pipeline_name}-deployer"


def test_names_are_filled_in():
    filled = names.load("shop")
    assert {role: function.name for role, function in filled.functions.items()} == {
        "deployer": "shop-deployer",
        "invoker": "shop-invoker",
        "retrainer": "shop-retrainer",
    }
    assert filled.event_pattern["detail"] == {"ModelPackageGroupName": [{"prefix": "shop--"}]}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("shop", True),
        ("we", True),
        ("s" * 32, True),
        ("sthreefold", True),
        ("s", False),
        ("s" * 33, False),
        ("Shop", False),
        ("shop--two", False),
        ("awesome", True),
        ("aws-shop", False),
        ("ssm", False),
        ("sthree", False),
        ("amzn-s3-demo-shop", False),
    ],
)
def test_what_a_pipeline_can_be_called(name, expected):
    assert names.is_pipeline_name(name) is expected


def test_nothing_in_the_file_is_lost_on_reading():
    read = dataclasses.asdict(names.load())
    read["promoted_prefixes"] = list(read["promoted_prefixes"])
    for function in read["functions"].values():
        function["environment"] = list(function["environment"])
    assert read == json.loads(DOCUMENT)


def test_every_handler_exists():
    for function in names.load().functions.values():
        module, name = function.handler.rsplit(".", 1)
        assert callable(getattr(importlib.import_module(module), name))


def test_the_map_lies_outside_the_models_prefix():
    assert not names.load().models_map_key.startswith(names.load().prefixes.models)


def test_a_group_is_named_after_pipeline_and_data_set():
    assert names.group_name("shop", "breast-cancer") == "shop--breast-cancer"


@pytest.mark.parametrize("name", ["", "Iris", "iris_2", "iris--2", "-iris", "iris-", "iris 2", "ïris"])
def test_a_name_outside_the_alphabet_is_refused(name):
    with pytest.raises(NamingError, match="single hyphens"):
        names.group_name("shop", name)
    with pytest.raises(NamingError, match="single hyphens"):
        names.load(name)


def test_a_group_name_longer_than_sagemaker_allows_is_refused():
    assert len(names.group_name("shop", "x" * 57)) == 63
    with pytest.raises(NamingError, match="64 characters"):
        names.group_name("shop", "x" * 58)
