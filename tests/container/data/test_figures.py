"""The ends of columns of numbers, how often they occur and the gaps, of long columns and of many."""

import numpy as np
import pandas as pd
import pytest
from tabular.data.figures import CELLS, MANY_COLUMNS, Figures, Summary


def columns(draw, rows):
    return {
        "few": draw.integers(0, 4, rows) / 2,
        "gaps": np.where(draw.random(rows) < 0.3, np.nan, draw.integers(0, 9, rows)),
        "gap at first": np.r_[np.nan, np.arange(rows - 1.0)],
        "long gap": np.where(np.arange(rows) < rows // 2, np.nan, draw.random(rows)),
        "empty": np.full(rows, np.nan),
        "the same": np.full(rows, 2.5),
        "infinite": draw.choice([np.inf, -np.inf, 0.0], rows),
        "zeros": draw.choice([0.0, -0.0], rows),
    }


@pytest.mark.parametrize("rows", [1, 2, 50, CELLS, CELLS + 1, 2 * CELLS + 7])
@pytest.mark.parametrize("many", [False, True])
def test_a_summary_says_what_pandas_says(rows, many):
    table = pd.DataFrame(columns(np.random.default_rng(rows), rows)).assign(word="x", count=1)
    if many:
        table = pd.concat([table, *(table[["few", "gaps"]].add_suffix(str(n)) for n in range(100))], axis=1)
        table = table.head(50)
        assert table.dtypes.eq(np.float64).sum() > MANY_COLUMNS
    found = Figures(table)
    assert list(found.summaries) == list(table.columns[table.dtypes == np.float64])
    for name, summary in found.summaries.items():
        values = table[name]
        ends = [values.min(), values.max()]
        assert np.array_equal([summary.low, summary.high], ends, equal_nan=True)
        assert [summary.lows, summary.highs] == [(values == end).sum() for end in ends]
        assert summary.missing == values.isna().sum()
        assert summary.is_constant(len(table)) == (values.nunique(dropna=False) == 1)
        assert np.array_equal(found.columns[name], values, equal_nan=True)


def test_an_empty_frame_has_columns_without_ends():
    (found,) = Figures(pd.DataFrame({"x": np.zeros(0)})).summaries.values()
    assert np.isnan([found.low, found.high]).all()
    assert found[2:] == (0, 0, 0)


def test_the_figures_of_fewer_rows_are_found_again():
    table = pd.DataFrame({"x": [1.0, 2.0, 3.0]})
    figures = Figures(table)
    assert figures.of(table) is figures
    assert figures.of(table.head(2)).summaries["x"].high == 2


@pytest.mark.parametrize("count", [3, MANY_COLUMNS + 2])
def test_what_is_known_is_not_found_again(count):
    table = pd.DataFrame({f"x{place}": [1.0, 2.0, np.nan] for place in range(count)})
    known = {"x1": Summary(7, 8, 1, 1, 0)}
    found = Figures(table, known).summaries
    assert list(found) == list(table)
    assert {name: one for name, one in found.items() if one != (1, 2, 1, 1, 1)} == (
        known if count < MANY_COLUMNS else {}
    )
    everything = {name: Summary(place, place, 1, 1, 0) for place, name in enumerate(table)}
    assert Figures(table, everything).summaries == everything
