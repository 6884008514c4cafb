"""The table of algorithms: it is consistent, and what it says reaches the estimators."""

import re
import subprocess
import sys

import numpy as np
import pytest
from tabular.spec.algorithms import ALGORITHMS, WIDE, build, exporter_of
from tabular.spec.errors import BadInput
from tabular.spec.estimators import Algorithm, Categorical, Continuous, Estimator, Integer

FAMILIES = ("classification", "regression")
ESTIMATORS = [(name, family) for name in ALGORITHMS for family in FAMILIES]
HYPERPARAMETERS = [
    (name, family, key, allowed)
    for name, family in ESTIMATORS
    for key, allowed in ALGORITHMS[name].estimators[family].hyperparameters.items()
]
NUMBERS = [given for given in HYPERPARAMETERS if not isinstance(given[3], Categorical)]
each_estimator = pytest.mark.parametrize(("name", "family"), ESTIMATORS)
each_hyperparameter = pytest.mark.parametrize(
    ("name", "family", "key", "allowed"),
    HYPERPARAMETERS,
    ids=lambda value: value if isinstance(value, str) else "",
)
each_number = pytest.mark.parametrize(
    ("name", "family", "key", "allowed"), NUMBERS, ids=lambda value: value if isinstance(value, str) else ""
)


def values(allowed):
    """The lowest, the default and the highest as SageMaker passes them, and what each means."""
    if isinstance(allowed, Categorical):
        return allowed.values.items()
    return [(str(value), value) for value in (allowed.low, allowed.default, allowed.high)]


def test_every_algorithm_competes_in_both_families_and_is_made_portable():
    assert all(tuple(algorithm.estimators) == FAMILIES for algorithm in ALGORITHMS.values())
    assert all(name == algorithm.name for name, algorithm in ALGORITHMS.items())
    assert all(one.exporter for algorithm in ALGORITHMS.values() for one in algorithm.estimators.values())


def test_a_class_of_the_projects_own_needs_no_exporter_to_be_named():
    def row(path, **more):
        return {"Mine": Algorithm("Mine", False, {"regression": Estimator(path, {}, **more)})}

    forest, neighbours = "sklearn.ensemble.RandomForestRegressor", "sklearn.neighbors.KNeighborsRegressor"
    assert exporter_of("Mine", "regression", row(forest)) == "forest"
    assert exporter_of("Mine", "regression", row(neighbours)) is None
    assert exporter_of("Mine", "regression", row(neighbours, exporter="linear")) == "linear"
    with pytest.raises(BadInput, match=r"Unknown exporter 'forst'; .* Did you mean 'forest'"):
        row(forest, exporter="forst")


@pytest.mark.slow
def test_a_notebook_can_read_the_table_without_importing_a_library():
    code = (
        "import sys, tabular.spec.algorithms; "
        "libraries = {'numpy', 'pandas', 'sklearn', 'xgboost', 'lightgbm'}; "
        "print(sorted(libraries & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@each_number
def test_a_default_lies_within_a_range_that_the_tuner_takes(name, family, key, allowed):
    assert allowed.low < allowed.high  # the tuner refuses a range of one value
    assert allowed.low <= allowed.default <= allowed.high
    assert allowed.scale in ("Linear", "Logarithmic")
    assert allowed.low > 0 or allowed.scale == "Linear"
    number = int if isinstance(allowed, Integer) else float
    assert {type(value) for value in (allowed.low, allowed.default, allowed.high)} == {number}


@each_number
def test_a_range_over_several_magnitudes_is_searched_by_its_logarithm(name, family, key, allowed):
    assert isinstance(allowed, Integer) or (allowed.scale == "Logarithmic") == (
        allowed.high / allowed.low > 10
    )


@each_estimator
def test_the_tuner_takes_the_number_of_ranges_and_values(name, family):
    hyperparameters = ALGORITHMS[name].estimators[family].hyperparameters.values()
    assert 1 <= len(hyperparameters) <= 30
    for allowed in hyperparameters:
        if isinstance(allowed, Categorical):
            assert allowed.default in allowed.values
            assert 2 <= len(allowed.values) <= 30


@each_hyperparameter
def test_every_hyperparameter_arrives_as_text_and_reaches_the_estimator(name, family, key, allowed):
    for text, meant in values(allowed):
        given = build(name, family, {key: text}, 7).get_params()[key]
        assert given == meant
        assert type(given) is type(meant)


@each_estimator
def test_what_is_not_given_takes_its_default_and_what_is_fixed_stays(name, family):
    described = ALGORITHMS[name].estimators[family]
    arguments = build(name, family, {}, 7).get_params()
    for key, allowed in described.hyperparameters.items():
        assert arguments[key] == allowed.parse(str(allowed.default))
    assert described.fixed.items() <= arguments.items()
    assert not described.fixed.keys() & described.hyperparameters.keys()


@each_estimator
def test_the_random_state_is_always_fixed(name, family):
    arguments = build(name, family, {}, 42).get_params()
    seeded = ALGORITHMS[name].estimators[family].seeded
    assert arguments.get("random_state") == (42 if seeded else None)
    assert seeded == ("random_state" in arguments)


@each_estimator
@pytest.mark.parametrize("threads", ["1", "3"])
def test_threads_are_those_that_the_job_has(monkeypatch, name, family, threads):
    monkeypatch.setenv("OMP_NUM_THREADS", threads)
    if ALGORITHMS[name].estimators[family].threaded:
        assert build(name, family, {}, 7).n_jobs == int(threads)


@pytest.mark.parametrize("family", FAMILIES)
def test_subsampling_has_an_effect_in_lightgbm(family):
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(120, 3))
    target = (rows.sum(axis=1) > 0).astype(int)
    predicted = [
        build("LightGBM", family, {"subsample": share}, 7).fit(rows, target).predict(rows, raw_score=True)
        for share in ("0.5", "1.0", "0.5")
    ]
    assert not np.array_equal(predicted[0], predicted[1])
    assert np.array_equal(predicted[0], predicted[2])


def test_an_unknown_algorithm_is_refused_with_the_nearest_known_one():
    with pytest.raises(
        BadInput, match=r"Unknown algorithm 'XGBost'; the known ones are .*\. Did you mean 'XGBoost'\?$"
    ):
        build("XGBost", "classification", {}, 7)
    with pytest.raises(BadInput, match="Use one of the names listed"):
        build("zzz", "classification", {}, 7)


@each_estimator
def test_an_unknown_hyperparameter_is_refused_with_the_known_ones(name, family):
    with pytest.raises(BadInput, match=f"Unknown hyperparameter of {name} 'depth_of_sea'") as refused:
        build(name, family, {"depth_of_sea": "3"}, 7)
    assert all(repr(key) in str(refused.value) for key in ALGORITHMS[name].estimators[family].hyperparameters)


def test_a_hyperparameter_of_the_other_family_is_refused():
    assert build("LogisticRegression", "regression", {"alpha": "2"}, 7).alpha == 2.0
    with pytest.raises(
        BadInput, match="Unknown hyperparameter of LogisticRegression 'alpha'; the known ones are 'C'"
    ):
        build("LogisticRegression", "classification", {"alpha": "2"}, 7)


@each_number
def test_a_value_outside_its_range_is_refused_with_the_range(name, family, key, allowed):
    step = 1 if isinstance(allowed, Integer) else 1e-9 + abs(allowed.high) * 1e-6
    limits = re.escape(f"from {allowed.low} to {allowed.high}.")
    sentence = f"Hyperparameter {key} of {name} is .*: it must be (an integer|a number) {limits}$"
    for value in (allowed.low - step, allowed.high + step, "nan", "inf", "-inf"):
        with pytest.raises(BadInput, match=sentence):
            build(name, family, {key: str(value)}, 7)


@pytest.mark.parametrize("text", ["", "many", "3.5", "1e2", "None", "0x10"])
def test_what_is_not_a_whole_number_is_refused_with_what_is(text):
    sentence = f"max_depth of XGBoost is {text!r}: it must be an integer from 2 to 10.".replace(".", r"\.")
    with pytest.raises(BadInput, match=sentence):
        build("XGBoost", "classification", {"max_depth": text}, 7)


@pytest.mark.parametrize("text", ["", "many", "1,5", "None", "0x10"])
def test_what_is_not_a_number_is_refused_with_what_is(text):
    with pytest.raises(BadInput, match=r"it must be a number from 0\.0001 to 1000\.0"):
        build("LogisticRegression", "classification", {"C": text}, 7)


def test_a_name_that_is_not_in_a_list_of_names_is_refused_with_the_nearest():
    with pytest.raises(
        BadInput, match=r"activation of NeuralNet is 'rel': Unknown value .* Did you mean 'relu'\?"
    ):
        build("NeuralNet", "regression", {"activation": "rel"}, 7)


def test_a_continuous_value_may_come_in_any_notation():
    for text in ("0.001", "1e-3", "1E-03", " 0.001 "):
        assert Continuous(1e-4, 1.0, default=0.5).parse(text) == 0.001


@pytest.mark.parametrize("family", FAMILIES)
def test_with_many_columns_trees_look_at_fewer_numbers_and_features(family):
    narrow, wide = (
        {name: build(name, family, {}, 7, columns=columns).get_params() for name in ALGORITHMS}
        for columns in (WIDE, WIDE + 1)
    )
    forests = [name for name, parameters in narrow.items() if "max_features" in parameters]
    assert "RandomForest" in forests
    for name in forests:
        assert narrow[name].pop("max_features") == 0.2
        assert wide[name].pop("max_features") == 200
    for name in ("XGBoost", "LightGBM"):
        assert wide[name].pop("max_bin") == 63
        assert narrow[name].pop("max_bin", None) is None
    assert repr(narrow) == repr(wide), "nothing else depends on the width"
