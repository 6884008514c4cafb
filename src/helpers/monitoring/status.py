"""The state of every model in service, and of each data set that has versions but none in service.

`gather` reads all sources and `assemble` makes one document of what they said, the worst model first.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pandas as pd

from contract.names import group_prefix
from helpers.display.frames import INSTEAD
from helpers.monitoring import fetching
from helpers.monitoring.document import (
    CONCERNS,
    SCHEMA,
    Concern,
    Cost,
    Kind,
    Model,
    Monitoring,
    Quality,
    Retraining,
    Row,
    Status,
    Traffic,
    Waiting,
)
from helpers.monitoring.fetching import Details, Source, Version, stored
from helpers.session import Session
from lambdas.models_map import Entry

__all__ = ["FAILING", "Sources", "assemble", "gather", "table"]
__dir__ = __all__.copy

FAILING = 0.01  # share of a day's requests that end in a server error
OLD = timedelta(days=7)  # of a check
NO_CHECK = "No check of drift and quality has run yet; `many-models monitor` runs one."
NO_REQUESTS = "The invoker has no log yet, so no request was counted."
DRIFTED = "drifted"
NOTHING = Traffic(requests=0, client_errors=0, server_errors=0, rows=0, p90_milliseconds=None)


@dataclass(frozen=True)
class Sources:
    """What each source said. Registry and models map are always there."""

    registry: Mapping[str, Sequence[Version]]
    in_service: Mapping[str, Entry]
    details: Mapping[str, Details]
    refusals: Mapping[str, str]
    traffic: Source[dict[str, dict[str, Traffic]]]
    check: Source[dict[str, Any]]
    retrainings: Source[dict[str, Retraining]]
    costs: Source[float]


def gather(session: Session, prices: str = "") -> Status:
    """Read all sources, several at a time, and make one document of them.

    Args:
        session: where the models are.
        prices: a file with other prices than list prices, which PRICES names.

    Raises:
        JobFailed: what the deployer wrote is not a models map.
        BadInput: the file of prices cannot be used.
        ClientError: AWS refuses a call, other than for a missing permission to read one of the sources that
            the page can do without.
    """
    now, session = datetime.now(UTC), fetching.unhurried(session)
    for service in ("logs", "s3", "sagemaker"):  # a session makes clients one at a time
        session.client(service)
    with ThreadPoolExecutor() as pool:
        traffic = pool.submit(
            stored, partial(fetching.traffic, session, now), "the invoker's log", NO_REQUESTS
        )
        check = pool.submit(stored, partial(fetching.last_check, session), "the reports of checks", NO_CHECK)
        costs = pool.submit(stored, partial(fetching.costs, session, prices, now), "the endpoint")
        serving = pool.submit(fetching.in_service, session)
        known = stored(partial(fetching.last_status, session), "the last status").found
        retrainings = pool.submit(
            stored, partial(fetching.retrainings, session, known, now), "the executions"
        )
        versions, entries = fetching.registry(session), serving.result()
        described = [it for name, found in versions.items() if (it := _serves(found, entries.get(name)))]
        details = pool.submit(fetching.details, session, described, known)
        behind = [name for name, found in versions.items() if _behind(found, entries.get(name))]
        refusals = stored(partial(fetching.refusals, session, behind), "the ledger")
        sources = Sources(
            versions,
            entries,
            details.result(),
            refusals.found or {},
            traffic.result(),
            check.result(),
            retrainings.result(),
            costs.result(),
        )
    return assemble(session.environment, session.pipeline_name, sources, now)


def assemble(environment: str, pipeline: str, sources: Sources, now: datetime) -> Status:
    """Make one document of what the sources said, the worst model first.

    The order is that of CONCERNS, by the worst concern of each model; among models with the same, the one
    with more of it comes first (errors, loss of quality, drifted columns, days of waiting), then the name.
    """
    names = sorted(sources.registry.keys() | sources.in_service.keys())
    rows = [_row(pipeline, name, sources, now) for name in names]
    rows.sort(key=lambda row: _place(row, now))
    states = Counter(row["state"] for row in rows)
    checked = sources.check.found
    return Status(
        schema=SCHEMA,
        at=now.isoformat(timespec="seconds"),
        environment=environment,
        pipeline=pipeline,
        checked_at=checked["at"] if checked else None,
        sources={
            "requests": sources.traffic.said,
            "monitoring": sources.check.said or _age(checked, now),
            "retraining": sources.retrainings.said,
            "cost": sources.costs.said,
        },
        totals={
            "models": len(rows),
            "in_service": len(sources.in_service),
            **{kind: states[kind] for kind in (*CONCERNS, "fine")},
        },
        models=rows,
    )


def table(document: Status) -> pd.DataFrame:
    """A row for each model, the worst first: the most important columns of the page that are known."""
    columns = ["state", "version", "requests 24 h", "errors", "p90 ms", "drifted columns", "retrained"]
    rows = {
        row["data_set"]: (
            row["state"],
            row["model"]["version"] if row["model"] else None,
            requests["day"]["requests"] if (requests := row["requests"]) else None,
            requests["day"]["client_errors"] + requests["day"]["server_errors"] if requests else None,
            requests["day"]["p90_milliseconds"] if requests else None,
            row["monitoring"]["drifted_columns"] if row["monitoring"] else None,
            row["retraining"]["outcome"] if row["retraining"] else None,
        )
        for row in document["models"]
    }
    whole = pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("data set")
    known = whole.loc[:, whole.notna().any()].convert_dtypes()
    known.attrs[INSTEAD] = "No table has been trained yet, so there is no model to look at; run notebook 3."
    return known


def _row(pipeline: str, name: str, sources: Sources, now: datetime) -> Row:
    group, versions = f"{group_prefix(pipeline)}{name}", sources.registry.get(name, ())
    entry = sources.in_service.get(name)
    monitoring = _monitoring(sources.check.found, group, entry)
    traffic = sources.traffic.found
    row = Row(
        data_set=name,
        group=group,
        state="fine",
        concerns=[],
        versions=len(versions),
        newest_version=versions[0].number if versions else None,
        model=_model(entry, _serves(versions, entry), sources.details, now) if entry else None,
        waiting=_waiting(versions, entry),
        requests=None
        if traffic is None
        else {"day": traffic["day"].get(group, NOTHING), "week": traffic["week"].get(group, NOTHING)},
        monitoring=monitoring,
        retraining=(sources.retrainings.found or {}).get(name),
        cost=_cost(sources, entry),
    )
    row["concerns"] = _concerns(row, versions, entry, sources.refusals.get(name, ""))
    if row["concerns"]:
        row["state"] = row["concerns"][0]["kind"]
    return row


def _serves(versions: Sequence[Version], entry: Entry | None) -> Version | None:
    """The version in service, as the registry has it."""
    return next((it for it in versions if entry and it.number == entry["version"]), None)


def _behind(versions: Sequence[Version], entry: Entry | None) -> int | None:
    """The approved version that should be in service and is not."""
    approved = max((it.number for it in versions if it.status == "Approved"), default=0)
    return approved if approved > (entry["version"] if entry else 0) else None


def _waiting(versions: Sequence[Version], entry: Entry | None) -> Waiting | None:
    """The newest version that waits for approval, unless a newer one was decided on or serves."""
    decided = max((it.number for it in versions if not it.pending), default=0)
    overtaken = max(decided, entry["version"] if entry else 0)
    pending = [it for it in versions if it.pending and it.number > overtaken]
    if not pending:
        return None
    since = min(it.registered for it in pending)
    return Waiting(version=max(it.number for it in pending), since=since.isoformat(timespec="seconds"))


def _model(entry: Entry, version: Version | None, details: Mapping[str, Details], now: datetime) -> Model:
    registered = version.registered.isoformat() if version else entry.get("registered_at")
    found = details.get(version.arn, Details(None, None)) if version else Details(None, None)
    age = (now - datetime.fromisoformat(registered)) / timedelta(days=1) if registered else None
    return Model(
        version=entry["version"],
        arn=version.arn if version else None,
        registered_at=registered,
        approved_at=entry["approved_at"],
        age_days=None if age is None else round(max(age, 0.0), 2),
        algorithm=found.algorithm,
        data_until=found.data_until,
    )


def _monitoring(check: Mapping[str, Any] | None, group: str, entry: Entry | None) -> Monitoring | None:
    found = check["models"].get(group) if check and entry else None
    if found is None:
        return None
    status, said = found["status"], found.get("said") or ""
    if (seen := found.get("version")) != entry["version"]:
        status, found = "outdated", {}
        said = f"The last check saw version {seen}; version {entry['version']} is in service."
    quality = found.get("quality")
    return Monitoring(
        status=status,
        said=said,
        rows=found.get("rows") or 0,
        drifted_columns=found.get("drifted_columns") or 0,
        worst_column=found.get("worst_column"),
        predictions_drifted=(found.get("predictions") or {}).get("drifted"),
        quality=quality and {name: quality.get(name) for name in Quality.__required_keys__},
    )


def _cost(sources: Sources, entry: Entry | None) -> Cost | None:
    """The same for every model in service, because they share all instances."""
    if sources.costs.found is None or entry is None:
        return None
    return Cost(endpoint=round(sources.costs.found / len(sources.in_service), 4))


def _concerns(row: Row, versions: Sequence[Version], entry: Entry | None, refusal: str) -> list[Concern]:
    """What somebody should look at, the worst first."""
    found: dict[Kind, str] = {}
    if (share := _failing(row)) >= FAILING and row["requests"]:
        day = row["requests"]["day"]
        found["failing"] = (
            f"{share:.1%} of the requests of 24 hours ended in a server error: {day['server_errors']:,} of "
            f"{day['requests']:,}."
        )
    if behind := _behind(versions, entry):
        why = refusal or "The deployer has not followed yet."
        found["not-deployed"] = f"Version {behind} is approved and not in service. {why}"
    if monitoring := row["monitoring"]:
        if (quality := monitoring["quality"]) and quality["worse"]:
            found["worse"] = _quality(quality)
        if monitoring["status"] == DRIFTED:
            found["drifted"] = monitoring["said"] or _drift(monitoring)
        if monitoring["status"] == "failed":
            found["unchecked"] = f"The check failed. {monitoring['said']}".rstrip()
    if retraining := row["retraining"]:
        for outcome in ("failed", "refused"):
            if retraining["outcome"] == outcome:
                kind: Kind = "retraining-failed" if outcome == "failed" else "retraining-refused"
                found[kind] = retraining["said"]
    if waiting := row["waiting"]:
        found["waiting"] = f"Version {waiting['version']} waits for approval."
    if entry is None and not (behind or row["waiting"]):
        found["not-in-service"] = "No version is in service."
    return [Concern(kind=kind, said=found[kind]) for kind in CONCERNS if kind in found]


def _quality(quality: Mapping[str, Any]) -> str:
    held_out = "" if quality["held_out"] is None else f", {quality['held_out']:.4g} on held-out rows"
    return (
        f"{quality['metric']} {quality['value']:.4g} on {quality['rows']:,} rows whose labels came later "
        f"({quality['low']:.4g} to {quality['high']:.4g}){held_out}."
    )


def _drift(monitoring: Monitoring) -> str:
    columns = monitoring["drifted_columns"]
    said = [f"{columns} {'column' if columns == 1 else 'columns'} drifted"] if columns else []
    if monitoring["worst_column"]:
        said.append(f"most of all {monitoring['worst_column']}")
    if monitoring["predictions_drifted"]:
        said.append("and so did the predictions" if columns else "The predictions drifted")
    return f"{', '.join(said)}."


def _failing(row: Row) -> float:
    """The share of the day's requests that ended in a server error."""
    day = row["requests"]["day"] if row["requests"] else NOTHING
    return day["server_errors"] / day["requests"] if day["requests"] else 0.0


def _place(row: Row, now: datetime) -> tuple[int, float, str]:
    """Where a model comes on the page: by its worst concern, by how much of it there is, and by name."""
    state, monitoring = row["state"], row["monitoring"]
    much = 0.0
    if state == "failing":
        much = _failing(row)
    elif state == "worse" and monitoring and (quality := monitoring["quality"]):
        much = abs((quality["held_out"] or 0.0) - quality["value"])
    elif state == "drifted" and monitoring:
        much = monitoring["drifted_columns"] + 0.5 * bool(monitoring["predictions_drifted"])
    elif state == "waiting" and row["waiting"]:
        much = (now - datetime.fromisoformat(row["waiting"]["since"])) / timedelta(days=1)
    return [*CONCERNS, "fine"].index(state), -much, row["data_set"]


def _age(check: Mapping[str, Any] | None, now: datetime) -> str | None:
    """What to say of a check that is old."""
    if check is None:
        return None
    age = now - datetime.fromisoformat(check["at"].replace("Z", "+00:00"))
    return f"The last check is {age.days} days old; `many-models monitor` runs one." if age > OLD else None
