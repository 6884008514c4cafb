"""Warnings about what may mislead: rare classes, empty columns, ids, columns that give the answer away."""

import re
from collections.abc import Iterator, Mapping
from operator import itemgetter
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import r2_score
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from tabular.data.features import features, rows_of
from tabular.data.figures import Figures, Summary, threads_for
from tabular.data.tables import warning
from tabular.spec.columns import Schema
from tabular.spec.errors import amount

__all__ = ["misleading"]

RARE_ROWS = 10
RARE_SHOWN = 5  # of the rare classes, in a sentence
MOSTLY_EMPTY, SELDOM_FILLED = 0.5, 0.3
FEWEST_IDS = 20
FIRST = 10_000  # rows
# The last word of a name for codes: customer_id, CustomerID, Postal code.
CODES = frozenset(
    [
        *("id", "code", "zip", "zipcode", "postcode", "postalcode", "plz", "pincode", "fips", "naics", "sic"),
        *("statefp", "countyfp", "tractce", "geoid"),
        *("isbn", "ean", "upc", "gtin", "sku", "ssn", "hs", "hts", "icd", "cpt", "ndc", "npi", "nace", "naf"),
        *(
            "mcc",
            "msisdn",
            "imei",
            "vin",
            "siren",
            "siret",
            "insee",
            "cnpj",
            "cpf",
            "cep",
            "cp",
            "abn",
            "nif",
        ),
        *("postleitzahl", "kode", "kod", "codigo", "código", "codice", "код", "индекс", "инн"),
    ]
)
DEGREES = {  # the least and the greatest; some count longitudes from 0 to 360
    **dict.fromkeys(("lat", "latitude"), (-90.0, 90.0)),
    **dict.fromkeys(("lon", "lng", "longitude"), (-180.0, 360.0)),
}
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+")
PART = 250  # columns that one thread sorts
# A tree on one column predicts the target of rows that it has not seen.
SUSPECT_ROWS, SUSPECT_CELLS, FEWEST_ROWS, SUSPECT_SCORE = 2_000, 200_000, 200, 0.99


def misleading(
    table: pd.DataFrame,
    target: np.ndarray,
    schema: Schema,
    report: Mapping[str, Any],
    figures: Figures | None = None,
) -> list[dict[str, str | None]]:
    """Warnings about a cleaned table: {"column", "said"}.

    Args:
        table: the rows that are used, as they were read.
        target: the encoded target (n_rows,).
        schema: the features and the target.
        report: the report of PreprocessData up to here.
        figures: what is known of the table's numbers, if it was found before.
    """
    found = [(schema.target, said) for said in _of_target(report)]
    for name, why in report["columns_dropped"].items():
        if why in ("is empty", "has only one value"):
            where = "empty" if why == "is empty" else "the same"
            found.append((name, f"{where} in every row, so the column is left out."))
    kinds = {column.name: column.kind for column in schema.columns}
    names = list(kinds)
    known = (figures or Figures(table)).summaries
    whole = _whole_numbers(table.head(FEWEST_IDS)[names])
    for name in names:
        gaps = known[name].missing / len(table) if name in known else table[name].isna().mean()
        if name == names[0] and gaps > SELDOM_FILLED and _begins_groups(table[name], kinds[name]):
            said = f"empty in {gaps:.0%} of the rows, but for the first of each group, as merged cells are"
            found.append((name, f"{said}; fill them down if they are."))
        elif gaps > MOSTLY_EMPTY:
            found.append((name, f"empty in {gaps:.0%} of the rows."))
        elif name in whole and _like_an_id(table[name]):
            said = "a whole number that is different in every row, like an id; if it is one, name it in drop."
            found.append((name, said))
        elif kinds[name] == "numeric" and _names_codes(name) and name not in schema.options.numeric:
            what = "whole numbers" if name in whole else "numbers"
            said = (
                f"{what} in a column whose name suggests codes; name the column in categorical if their "
                "order means nothing, or in numeric if they are quantities."
            )
            found.append((name, said))
        if kinds[name] == "numeric" and (said := _off_the_earth(name, table, known.get(name))):
            found.append((name, said))
    for name, score in _suspects(table, target, schema):
        found.append(
            (name, f"predicts the target on its own (score {score:.3f}); is it known at prediction time?")
        )
    return [warning(name, said) for name, said in found]


def _of_target(report: Mapping[str, Any]) -> Iterator[str]:
    if count := report["rows_without_target"]:
        yield f"empty in {amount(count, 'row, which is', 'rows, which are')} left out."
    rare = {label: count for label, count in report["classes"].items() if count < RARE_ROWS}
    if len(rare) == 1:
        label, count = rare.popitem()
        seen = amount(count, "row is", "rows are")
        yield f"only {seen} {label!r}: too few to learn or to evaluate it well."
    elif rare:
        rarest = sorted(rare.items(), key=itemgetter(1))
        shown = ", ".join(f"{label!r} ({count})" for label, count in rarest[:RARE_SHOWN])
        more = f" and {len(rare) - RARE_SHOWN} more" if len(rare) > RARE_SHOWN else ""
        yield f"{len(rare)} classes have too few rows to learn or to evaluate them well: {shown}{more}."


def _whole_numbers(frame: pd.DataFrame) -> set[str]:
    """The columns in which all numbers are whole."""
    numbers = frame.select_dtypes("number")
    cells = numbers.to_numpy(np.float64)  # pandas itself takes three times as long for a few columns
    return set(numbers.columns[((cells % 1 == 0) | np.isnan(cells)).all(axis=0)])


def _begins_groups(column: pd.Series, kind: str) -> bool:
    """Whether words or dates may stand in the first row of each group alone, since none is repeated."""
    filled = column.dropna()
    return kind in ("categorical", "date") and len(filled) > 1 and filled.is_unique and column.notna().iloc[0]


def _names_codes(name: str) -> bool:
    """Whether a column is named as codes are: zip, postal_code, CustomerID."""
    words = _WORDS.findall(name)
    return bool(words) and words[-1].casefold() in CODES


def _off_the_earth(name: str, table: pd.DataFrame, known: Summary | None) -> str | None:
    """What to say of a column that is named as degrees are and has numbers that degrees cannot be."""
    *_, word = "", *_WORDS.findall(name)
    if word.casefold() not in DEGREES:
        return None
    low, high = DEGREES[word.casefold()]
    least, most = (known.low, known.high) if known else (table[name].min(), table[name].max())
    off = least if least < low else most
    if not (off < low or off > high):
        return None
    return (
        f"{off:.10g} is no {word.casefold()} in degrees; if latitude and longitude are swapped, swap them "
        "back, and convert other units and projections to degrees."
    )


def _like_an_id(values: pd.Series) -> bool:
    if not values.head(FIRST).dropna().is_unique:  # most columns show it within a few rows
        return False
    present = values.dropna()
    return len(present) >= FEWEST_IDS and present.is_unique and bool((present % 1 == 0).all())


def _suspects(table: pd.DataFrame, target: np.ndarray, schema: Schema) -> Iterator[tuple[str, float]]:
    """Each column with which a tree reaches the score on both halves of a sample, fitted on the other."""
    most = int(np.clip(SUSPECT_CELLS / len(schema.columns), FEWEST_ROWS, SUSPECT_ROWS))
    rows = np.random.default_rng(0).choice(len(table), min(len(table), most), replace=False)
    frame, target = features(_taken(table, rows, schema), schema), target[rows]
    regression = schema.task == "regression"
    if regression:  # with ranks, a column is found if the target rises with it, even if not linearly
        target = pd.Series(target).rank(pct=True).to_numpy()
    tree = (DecisionTreeRegressor if regression else DecisionTreeClassifier)(random_state=0)
    score = r2_score if regression else _balanced_accuracy
    for name in schema.of_kind("categorical"):
        frame[name] = pd.factorize(frame[name])[0]
    cells = frame.to_numpy(dtype=np.float64)
    # A duplicate in the other half would give the target away.
    distinct = list({row.tobytes(): place for place, row in enumerate(cells)}.values())
    cells, target, half = cells[distinct], target[distinct], len(distinct) // 2
    for place in _sorting(cells, target, regression):
        column, reached = cells[:, [place]], 1.0
        for one, other in ((slice(half), slice(half, None)), (slice(half, None), slice(half))):
            if reached >= SUSPECT_SCORE:  # most columns fail on the first half
                guessed = tree.fit(column[one], target[one]).predict(column[other])
                reached = min(reached, score(target[other], guessed))
        if reached >= SUSPECT_SCORE:
            yield str(frame.columns[place]), reached


def _taken(table: pd.DataFrame, rows: np.ndarray, schema: Schema) -> pd.DataFrame:
    """The features of some rows, in any order; pandas takes long to find texts in the parts of a column."""
    names = [column.name for column in schema.columns]
    kinds = dict(zip(table.columns.tolist(), table.dtypes, strict=True))
    words = [name for name in names if isinstance(kinds[name], pd.StringDtype)]
    found = table[[name for name in names if name not in words]].iloc[rows].reset_index(drop=True)
    order = np.argsort(rows)
    places = np.argsort(order)
    texts = {name: rows_of(table[name], rows[order]).array.take(places) for name in words}
    return pd.concat([found, pd.DataFrame(texts, index=found.index)], axis=1)


def _sorting(cells: np.ndarray, target: np.ndarray, regression: bool) -> np.ndarray:
    """The columns of `cells` (n_rows, n_columns) that sort the target at least roughly, found all at once.

    In the order of such a column, neighbours differ half as much as in any order, or less.
    """
    parts = [cells.T[start : start + PART] for start in range(0, cells.shape[1], PART)]
    with threads_for(cells.size) as threads:  # NumPy leaves Python's lock to others
        steps = np.concatenate(list(threads.map(lambda part: _mean_step(part, target, regression), parts)))
    if regression:
        by_chance = 1 / 3  # the mean difference of two ranks
    else:
        by_chance = 1 - np.square(np.unique(target, return_counts=True)[1] / len(target)).sum()
    return np.flatnonzero(steps <= by_chance / 2)


def _mean_step(columns: np.ndarray, target: np.ndarray, regression: bool) -> np.ndarray:
    """How much neighbours in the order of each of some columns (n_columns, n_rows) differ: (n_columns,)."""
    ordered = target[np.argsort(np.ascontiguousarray(columns), axis=1, kind="stable")]
    steps = np.abs(np.diff(ordered, axis=1)) if regression else ordered[:, 1:] != ordered[:, :-1]
    return steps.mean(axis=1)


def _balanced_accuracy(target: np.ndarray, guessed: np.ndarray) -> float:
    return float(np.mean([(guessed[target == label] == label).mean() for label in np.unique(target)]))
