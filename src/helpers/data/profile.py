"""Summaries of tables before training: what is in each column, and what may mislead."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pandas as pd
from tabular.spec.columns import Column

from helpers.data.datasets import Dataset

__all__ = ["columns", "overview", "warnings"]

SAMPLE_ROWS = 50_000  # a longer table is sampled
# A tree on one column predicts the target of rows that it has not seen.
SUSPECT_ROWS, SUSPECT_CELLS, SUSPECT_SCORE = 2_000, 200_000, 0.99
LARGEST = 1e30  # a tree calculates in single precision
RARE_ROWS = 10
MOSTLY_EMPTY = 0.5


def overview(tables: Iterable[Dataset]) -> pd.DataFrame:
    """A row for each table: its shape, its task, its target, and how many rows have an empty cell."""
    rows = []
    for dataset in tables:
        table = dataset.read()
        rows.append(
            {
                "data set": dataset.name,
                "rows": len(table),
                "columns": table.shape[1] - 1,
                "task": dataset.task,
                "target": dataset.target,
                "values": _values(dataset),
                "rows with an empty cell": int(table.isna().any(axis=1).sum()),
            }
        )
    return pd.DataFrame(rows).set_index("data set")


def columns(tables: Iterable[Dataset]) -> pd.DataFrame:
    """A row for each column of each table: type, empty cells, distinct values, range, most frequent value.

    The types are those that PreprocessData will determine; for a long table, the rest is from a sample.
    """
    rows = []
    for dataset in tables:
        table = _sample(dataset)
        used = _unused(dataset)
        for name in table:
            values = table[name]
            column = dataset.columns[name]
            common = values.value_counts()
            rows.append(
                {
                    "data set": dataset.name,
                    "column": name,
                    "type": f"{column.kind}, {used[name]}" if name in used else column.kind,
                    "empty": f"{values.isna().mean():.0%}",
                    "distinct": values.nunique(),
                    "range": _range(values, column),
                    "most frequent": f"{_short(common.index[0])} ({common.iloc[0] / len(values):.0%})"
                    if len(common)
                    else "",
                }
            )
    return pd.DataFrame(rows).set_index(["data set", "column"])


def warnings(tables: Iterable[Dataset]) -> pd.DataFrame:
    """Things that may mislead, one row each: the column, the finding, and what to do about it."""
    rows = [(dataset.name, *found) for dataset in tables for found in _warnings(dataset)]
    return pd.DataFrame(rows, columns=["data set", "column", "finding"]).set_index(["data set", "column"])


def _warnings(dataset: Dataset) -> Iterator[tuple[str, str]]:
    whole, target = dataset.read(), dataset.target
    for found in dataset.table.warnings:
        yield found["column"] or "(all)", str(found["said"])
    if unlabelled := int(whole[target].isna().sum()):
        yield target, f"empty in {unlabelled} rows, which are left out"
    if repeated := int(whole.duplicated().sum()):
        rows = "duplicate row is" if repeated == 1 else "duplicate rows are"
        done = {
            "keep": "kept (repeated: drop leaves them out)",
            "drop": "left out",
            "together": "kept together",
        }
        yield "(all)", f"{repeated} {rows} {done[dataset.options.repeated]}"
    if dataset.family == "classification":
        counts = whole[target].value_counts()
        for label, count in counts[counts < RARE_ROWS].head(5).items():
            yield target, f"only {count} rows are {_short(label)}: too few to learn or to evaluate it well"
    table = _sample(dataset)
    features = [name for name in table if name != target and name not in _unused(dataset)]
    for name in features:
        values = table[name]
        distinct, empty = values.nunique(), values.isna().mean()
        if distinct == 0:
            yield name, "empty in every row; it is left out"
        elif distinct == 1 and not empty:
            yield name, "the same in every row; it is left out"
        elif empty > MOSTLY_EMPTY:
            yield name, f"empty in {empty:.0%} of the rows"
        elif _like_an_id(values):
            yield name, "differs in every row, as an ID does; if it is one, add it to drop"
    for name, score in _suspects(table, features, dataset):
        yield name, f"predicts the target on its own (score {score:.3f}); is it known at prediction time?"


def _suspects(table: pd.DataFrame, features: Sequence[str], dataset: Dataset) -> Iterator[tuple[str, float]]:
    """Columns that on their own let a tree predict the target of unseen rows almost perfectly."""
    from sklearn.metrics import balanced_accuracy_score, r2_score
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    regression = dataset.family == "regression"
    most = int(np.clip(SUSPECT_CELLS / max(len(features), 1), SUSPECT_ROWS / 10, SUSPECT_ROWS))
    table = table.dropna(subset=[dataset.target])
    table = table.sample(min(most, len(table)), random_state=0)  # in random order
    target = table[dataset.target]
    # With ranks, a column is found if the target rises with it, even if not linearly.
    target = target.rank(pct=True).to_numpy() if regression else pd.factorize(target)[0]
    tree = (DecisionTreeRegressor if regression else DecisionTreeClassifier)(random_state=0)
    half = len(table) // 2
    score = r2_score if regression else balanced_accuracy_score
    for name in features:
        values = table[name]
        codes = values if pd.api.types.is_numeric_dtype(values) else pd.Series(pd.factorize(values)[0])
        column = np.clip(codes.to_numpy(dtype=np.float64, na_value=np.nan), -LARGEST, LARGEST)[:, None]
        found = 1.0
        for one, other in ((slice(half), slice(half, None)), (slice(half, None), slice(half))):
            if found >= SUSPECT_SCORE:  # most columns fail on the first half
                guessed = tree.fit(column[one], target[one]).predict(column[other])
                found = min(found, score(target[other], guessed))
        if found >= SUSPECT_SCORE:
            yield name, found


def _like_an_id(values: pd.Series) -> bool:
    """Whether all values are distinct, for a type of value where that means something."""
    present = values.dropna()
    if len(present) < 20 or not present.is_unique:
        return False
    if pd.api.types.is_numeric_dtype(present):
        return bool((present % 1 == 0).all())
    return not pd.api.types.is_datetime64_any_dtype(present)


def _unused(dataset: Dataset) -> dict[str, str]:
    """The use of each column that is not a feature."""
    options = dataset.options
    named = {dataset.target: "target", options.group: "group", options.time: "time"}
    return dict.fromkeys(options.drop, "dropped") | {name: use for name, use in named.items() if name}


def _sample(dataset: Dataset) -> pd.DataFrame:
    table = dataset.read()
    return table if len(table) <= SAMPLE_ROWS else table.sample(SAMPLE_ROWS, random_state=0)


def _values(dataset: Dataset) -> str:
    target = dataset.read()[dataset.target]
    if dataset.family == "regression":
        return f"{_range(target, dataset.columns[dataset.target])}, mean {target.mean():.4g}"
    counts = target.value_counts().sort_index()
    more = f" and {len(counts) - 5} more" if len(counts) > 5 else ""
    return ", ".join(f"{label}: {count}" for label, count in counts.head(5).items()) + more


def _range(values: pd.Series, column: Column) -> str:
    present = values.dropna()
    if column.kind == "numeric":
        numbers = pd.to_numeric(present)
        return f"{numbers.min():.4g} to {numbers.max():.4g}" if len(numbers) else ""
    if column.kind == "date":
        days = pd.to_datetime(present, format=column.format, errors="coerce", utc=True)
        return f"{days.min():%Y-%m-%d} to {days.max():%Y-%m-%d}" if days.notna().any() else ""
    return ""


def _short(value: object) -> str:
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return text if len(text) <= 30 else f"{text[:27]}..."
