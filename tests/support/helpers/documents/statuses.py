"""Status documents of any number of models, with everything that a model can have."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

from helpers.monitoring.document import Retraining, Status, Traffic
from helpers.monitoring.fetching import Details, Source, Version
from helpers.monitoring.status import Sources, assemble

__all__ = ["NOW", "full_of", "many"]

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
PENDING = "PendingManualApproval"
OUTCOMES = ("registered", "kept", "refused", "failed")
ALGORITHMS = ("LightGBM", "XGBoost", "NeuralNet", "RandomForest")


def many(number: int, seed: int = 0) -> Status:
    """A status of so many models, of which about a quarter has something to look at."""
    chance = random.Random(seed)
    names = [f"store-{place:04}-demand" for place in range(number)]
    registry, serving, details, models = {}, {}, {}, {}
    traffic: dict[str, dict[str, Traffic]] = {"day": {}, "week": {}}
    retrainings: dict[str, Retraining] = {}
    for name in names:
        newest = chance.randint(1, 30)
        registry[name] = [
            Version(
                newest, "Approved", NOW - timedelta(days=chance.uniform(0.01, 300)), f"arn:{name}/{newest}"
            )
        ]
        if chance.random() < 0.05:
            registry[name].insert(0, Version(newest + 1, PENDING, NOW - timedelta(days=3), f"arn:{name}"))
        serving[name] = _entry(newest)
        uploaded = NOW - timedelta(days=chance.uniform(1, 300))
        details[f"arn:{name}/{newest}"] = Details(chance.choice(ALGORITHMS), uploaded.isoformat())
        group, requests = f"many-models--{name}", int(chance.expovariate(1 / 20_000))
        failed = requests // 50 if chance.random() < 0.03 else 0
        for period, times in (("day", 1), ("week", 7)):
            traffic[period][group] = Traffic(
                requests=times * requests,
                client_errors=times * chance.randint(0, 9),
                server_errors=times * failed,
                rows=3 * times * requests,
                p90_milliseconds=round(chance.uniform(2, 60), 1) if requests else None,
            )
        models[group] = _checked(chance, newest)
        at = (NOW - timedelta(days=chance.uniform(0, 29))).isoformat(timespec="seconds")
        retrainings[name] = Retraining(
            execution=f"arn:{name}",
            at=at,
            outcome=chance.choice(OUTCOMES[: 2 + 2 * (chance.random() < 0.1)]),
            said="A",
        )
    check = {"at": "2026-11-26T02:15:00Z", "models": models}
    return assemble(
        "aws",
        "many-models",
        Sources(
            registry,
            serving,
            details,
            {},
            Source(traffic),
            Source(check),
            Source(retrainings),
            Source(71.5),
        ),
        NOW,
    )


def full_of(text: str) -> Status:
    """A status in which everything that a person, a table or a log can say is this text."""
    found = many(20, seed=1)
    found["sources"] = dict.fromkeys(found["sources"], text)
    for row in found["models"]:
        row["data_set"] = text
        row["concerns"] = [{"kind": "drifted", "said": text}]
        for part, keys in (
            ("model", ("algorithm",)),
            ("monitoring", ("worst_column", "said")),
            ("retraining", ("said",)),
        ):
            row[part].update(dict.fromkeys(keys, text))  # type: ignore[literal-required]
        row["monitoring"] |= {"drifted_columns": 1, "status": "drifted"}  # type: ignore[operator]
        row["monitoring"]["quality"] = {**QUALITY, "metric": text}  # type: ignore[index, typeddict-item]
    return found


QUALITY = {
    "metric": "auc",
    "value": 0.91,
    "low": 0.9,
    "high": 0.92,
    "rows": 200,
    "held_out": 0.97,
    "worse": False,
}


def _entry(version: int) -> Any:
    return {"key": "models/x", "version": version, "sha256": "0", "approved_at": NOW.isoformat()}


def _checked(chance: random.Random, version: int) -> dict[str, Any]:
    status = chance.choices(("steady", "drifted", "too_few_rows", "no_capture"), (80, 8, 10, 2))[0]
    columns = chance.randint(1, 6) if status == "drifted" else 0
    worse = chance.random() < 0.02
    return {
        "version": version,
        "status": status,
        "said": f"{columns} of 14 columns have drifted, most of all “average basket, in €”."
        if columns
        else "",
        "rows": chance.randint(0, 9) if status == "too_few_rows" else chance.randint(500, 90_000),
        "drifted_columns": columns,
        "worst_column": "average basket, in €" if columns else None,
        "predictions": {"drifted": chance.random() < 0.02},
        "quality": {**QUALITY, "value": 0.8 if worse else 0.96, "worse": worse}
        if chance.random() < 0.4
        else None,
    }
