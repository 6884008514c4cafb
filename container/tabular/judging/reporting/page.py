"""The evaluation as a self-contained HTML page, with its plots embedded."""

import math
from collections.abc import Iterable, Sequence
from html import escape

from tabular.judging.reporting.svg import GREY, Series, bars, chart
from tabular.spec.documents.models import Agreement, ModelFacts
from tabular.spec.documents.reports import (
    ChampionReport,
    FleetReport,
    Gate,
    Interval,
    MetricValue,
    Quality,
    Report,
    Residuals,
    quality,
)
from tabular.spec.documents.words import members, searched
from tabular.spec.metrics import direction

__all__ = ["STYLE", "html"]

SPREAD = (
    "Intervals and standard deviations are from a seeded bootstrap of the held-out rows. If all resamples "
    "give the same value, they say nothing; the interval is then, as for a model without errors, that of "
    "Clopper and Pearson for as many rows, or missing."
)
MOST_BARS = 20
MOST_CLASSES = 20  # in the plot of a confusion matrix
STYLE = """
body{font:15px/1.5 system-ui,sans-serif;color:#1a202c;max-width:62rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem;margin-bottom:.2rem}
h2{font-size:1.1rem;margin:2rem 0 .5rem;border-bottom:1px solid #e2e8f0}
h3{font-size:.95rem;margin:1rem 0 .3rem}p{margin:.4rem 0}.quiet{color:#5a6877;font-size:.9em}
table{border-collapse:collapse;font-size:.9rem;margin:.4rem 0}
th,td{padding:.2rem .7rem;border-bottom:1px solid #e2e8f0;text-align:left;vertical-align:top}
th{color:#5a6877;font-weight:600}.number{text-align:right;font-variant-numeric:tabular-nums}
.row{display:flex;flex-wrap:wrap;gap:1.2rem}.wide{overflow-x:auto}
.good,.bad{padding:.5rem .8rem;border-left:4px solid #2f855a;background:#f0fff4}
.bad{border-color:#c53030;background:#fff5f5}
svg text{font:11px system-ui,sans-serif;fill:#4a5568}svg .grid{stroke:#edf2f7}svg{max-width:100%}
.cells td{text-align:center;border:1px solid #fff}
"""


def html(report: Report, group: str) -> str:
    """The page for an evaluation.json and the model package group of its model."""
    model = report["model"]
    parts = [
        f"<h1>{_text(group)}: {_text(model['algorithm'])}</h1>",
        f'<p class="quiet">Predicts {_text(model["target"])} ({_text(model["task"])}). '
        f"Evaluated on {report['rows']['held_out']} held-out rows, through the server that will serve the "
        f"model. Trained on {report['rows']['training']} other rows.</p>",
        _gate(report["gate"]),
        _section("Metrics on held-out rows", _metrics(report)),
        _champion(report["champion"]),
        _fleet(report["fleet"]) if "fleet" in report else "",
        _pictures(report),
        _importance(report),
        _subgroups(report),
        _section("The model", _facts(model, report["agreement"])),
    ]
    title = escape(f"{group}: {model['algorithm']}")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>'
        f"{title}</title><style>{STYLE}</style></head>\n<body>{''.join(parts)}</body></html>\n"
    )


def _gate(gate: Gate) -> str:
    reached = gate["threshold_margin"] >= 0
    passed = reached and gate["champion_margin"] >= 0
    verdict = "reaches" if reached else "does not reach"
    return (
        f'<p class="{"good" if passed else "bad"}"><b>{"Accepted." if passed else "Refused."}</b> '
        f"The {_text(gate['metric'])} ({direction(gate['metric'])}) of {gate['value']:.4g} {verdict} the "
        f"threshold of {gate['threshold']:.4g}. {_text(gate['comparison'])}</p>"
    )


def _metrics(report: Report) -> str:
    rows = []
    for name, found in quality(report).items():
        if "value" in found:
            spread = report["intervals"].get(name)
            shown = _interval(spread) if spread else ""
            rows.append((name, found["value"], shown, _round(found), direction(name)))
    confidence = next(iter(report["intervals"].values()), {"confidence": 0.95})["confidence"]
    head = ("metric", "value", f"{confidence:.0%} interval", "standard deviation", "")
    return _table(head, rows) + _quiet(SPREAD) + _positive(report)


def _positive(report: Report) -> str:
    if "positive" not in report:
        return ""
    return _quiet(
        f"The positive class is {report['positive']}: precision, recall, f1, average_precision and the plots "
        "are about it. Set positive in the data set's entry to change it."
    )


def _champion(champion: ChampionReport | None) -> str:
    if champion is None:
        return ""
    rows = [
        (
            f"{name} ({direction(name)})",
            one["challenger"],
            one["champion"],
            f"{one['difference']:+.4g}",
            _interval(one, "+"),
        )
        for name, one in champion["metrics"].items()
    ]
    inside = ""
    if rows:
        share = next(iter(champion["metrics"].values()))["confidence"]
        head = (
            "metric",
            "this model",
            f"version {champion['version']}",
            "difference",
            f"{share:.0%} interval",
        )
        inside = _table(head, rows) + _quiet(
            "Both models were evaluated on the same rows, which neither was trained on. A positive "
            "difference means that this model is better."
        )
    changes = [(one["what"], one["champion"], one["challenger"]) for one in champion["changed"]]
    if changes:
        head = ("what changed", f"version {champion['version']}", "this model")
        inside += _table(head, changes)
    else:
        inside += _quiet("The records of the two models do not differ.")
    return _section(f"Comparison with version {champion['version']}, in service", inside)


def _fleet(fleet: FleetReport) -> str:
    metric, against = fleet["metric"], fleet["own_against_pooled"]
    columns = _text(", ".join(fleet["partition"]))
    inside = (
        f"<p>{fleet['own']} of the {fleet['partitions']} partitions of {columns} are served by a model of "
        f"their own. The pooled model of all partitions serves the other {fleet['pooled']}. {fleet['kept']} "
        f"keep what serves them now. {_text(fleet['champion'])}</p>"
    )
    if fleet["taken_over"]:
        inside += (
            f"<p>{fleet['taken_over']} partitions were not searched, because their rows have not changed "
            "since that version; what served them serves them again.</p>"
        )
    if fleet["unfinished"]:
        inside += f"<p>The search for {fleet['unfinished']} partitions failed or had too little time.</p>"
    if against["own_loss"] is not None and against["pooled_loss"] is not None:
        inside += (
            f"<p>In {against['partitions']} partitions the model of their own was better in "
            f"cross-validation. On their {against['rows']} held-out rows its loss is "
            f"{against['own_loss']:.4g}, and that of the pooled model {against['pooled_loss']:.4g}.</p>"
        )
    if fleet["pooled_everywhere"] is not None:
        inside += f'<p class="bad">The pooled model serves all: {_text(fleet["pooled_everywhere"])}.</p>'
    if fleet["quantiles"]:
        steps = len(fleet["quantiles"]) - 1
        line = [(place / steps, value) for place, value in enumerate(fleet["quantiles"])]
        dots = [(math.log10(max(1, rows)), value) for rows, value in fleet["points"]]
        drawn = [
            ("Over the partitions", chart([Series(line, "both")], "share of partitions below", metric)),
            ("By their size", chart([Series(dots, "dots")], "training rows (power of ten)", metric)),
        ]
        figures = "".join(f"<div><h3>{title}</h3>{picture}</div>" for title, picture in drawn)
        inside += f'<div class="row">{figures}</div>'
    for title, name in (("The worst partitions", "worst"), ("The smallest partitions", "smallest")):
        rows = [
            (
                ", ".join(one["key"]),
                one["rows"],
                one["held_out"],
                one["served_by"],
                "not defined" if one["metric"] is None else one["metric"],
            )
            for one in fleet[name]
        ]
        head = ("partition", "training rows", "held-out rows", "served by", f"{metric} ({direction(metric)})")
        inside += f"<h3>{title}</h3>" + _table(head, rows)
    return _section("Partitions", inside + _quiet("All partitions are in fleet.json."))


def _pictures(report: Report) -> str:
    found, drawn = quality(report), []
    if curve := found.get("receiver_operating_characteristic_curve"):
        points = list(zip(curve["false_positive_rates"], curve["true_positive_rates"], strict=True))
        drawn.append(("ROC", chart([_diagonal(), Series(points)], "false positive rate", "recall", True)))
        curve = found["precision_recall_curve"]
        points = list(zip(curve["recalls"], curve["precisions"], strict=True))
        drawn.append(("Precision and recall", chart([Series(points)], "recall", "precision", True)))
    if "calibration" in report:
        points = [(one["predicted"], one["observed"]) for one in report["calibration"]["bins"]]
        picture = chart(
            [_diagonal(), Series(points, "both")], "predicted probability", "observed frequency", True
        )
        gap = report["calibration"]["expected_calibration_error"]
        drawn.append((f"Calibration, mean gap {gap:.3f}", picture))
    if "residuals" in report:
        drawn += _residuals(report["residuals"])
    figures = "".join(f"<div><h3>{_text(title)}</h3>{picture}</div>" for title, picture in drawn)
    inside = f'<div class="row">{figures}</div>'
    if "per_class" in report:
        inside = f'<div class="row">{_confusion(found)}<div>{_per_class(report)}</div></div>' + inside
    return _section("Predictions and true values", inside)


def _residuals(residuals: Residuals) -> list[tuple[str, str]]:
    predicted, error = residuals["predicted"], residuals["residual"]
    truth = [value - off for value, off in zip(predicted, error, strict=True)]
    ends = [(value, value) for value in (min(truth + predicted), max(truth + predicted))]
    line = Series(ends, color=GREY, dashed=True)
    level = Series([(min(predicted), 0.0), (max(predicted), 0.0)], color=GREY, dashed=True)
    pairs = list(zip(truth, predicted, strict=True))
    rest = list(zip(predicted, error, strict=True))
    return [
        ("Predicted and true values", chart([line, Series(pairs, "dots")], "true value", "prediction")),
        ("Residuals", chart([level, Series(rest, "dots")], "prediction", "prediction minus true value")),
    ]


def _confusion(found: Quality) -> str:
    counts = found["confusion_matrix"]
    if len(counts) > MOST_CLASSES:
        return _quiet(f"The confusion matrix for {len(counts)} classes is in evaluation.json.")
    head = "".join(f"<th>{_text(label)}</th>" for label in counts)
    lines = []
    for label, row in counts.items():
        whole = max(1, sum(row.values()))
        cells = "".join(
            f'<td style="background:rgb(43 108 176/{count / whole:.2f});'
            f'color:{"#fff" if count / whole > 0.5 else "#1a202c"}">{count}</td>'
            for count in row.values()
        )
        lines.append(f"<tr><th>{_text(label)}</th>{cells}</tr>")
    return (
        '<div class="wide"><h3>Confusion matrix</h3><table class="cells">'
        f"<tr><th>true \\ predicted</th>{head}</tr>{''.join(lines)}</table></div>"
    )


def _per_class(report: Report) -> str:
    rows = [
        (label, one["rows"], one["precision"], one["recall"], one["f1"])
        for label, one in report["per_class"].items()
    ]
    return "<h3>Metrics by class</h3>" + _table(("class", "rows", "precision", "recall", "f1"), rows)


def _importance(report: Report) -> str:
    found = report["permutation_importance"]
    if not found:
        return ""
    rows = [
        (name, one["mean"], one["mean"] - one["standard_deviation"], one["mean"] + one["standard_deviation"])
        for name, one in list(found.items())[:MOST_BARS]
    ]
    more = f" The other {len(found) - MOST_BARS} matter no more." if len(found) > MOST_BARS else ""
    return _section(
        "Permutation importance",
        bars(rows, f"how much worse the {report['gate']['metric']} is when the column is shuffled")
        + _quiet(
            "Mean and standard deviation over five shuffles. Columns with the same information hide each "
            f"other.{more}"
        ),
    )


def _subgroups(report: Report) -> str:
    metric = report["gate"]["metric"]
    inside = ""
    for column, levels in report["subgroups"].items():
        rows = [
            (
                level,
                one["rows"],
                one["metrics"].get(metric, "not defined"),
                _interval(one["intervals"][metric]) if metric in one["intervals"] else "",
            )
            for level, one in levels.items()
        ]
        head = ("level", "rows", f"{metric} ({direction(metric)})", "95% interval")
        inside += f"<h3>{_text(column)}</h3>" + _table(head, rows)
    return _section("Subgroups", inside) if inside else ""


def _facts(model: ModelFacts, agreement: Agreement) -> str:
    training, validation = model["training"], model["cross_validation"]
    scorer = validation.get("scorer", "score")
    nested = f"{scorer} by nested cross-validation, in which no fold scores what it helped select"
    rows = [
        *sorted(model["hyperparameters"].items()),
        *members(model).items(),
        (f"cross-validated {scorer} (higher is better), of the winner", validation.get("score", "")),
        *([(nested, validation["nested_score"])] if "nested_score" in validation else []),
        ("rows of the trials", searched(model) or "all training rows"),
        ("training job", training.get("job", "")),
        ("training data, SHA-256", training.get("data_sha256", "")),
        ("largest difference from scikit-learn", agreement["largest_difference"]),
        ("libraries", ", ".join(f"{name} {value}" for name, value in model["libraries"].items())),
    ]
    digits = ((name, f"{value:.4g}" if isinstance(value, float) else str(value)) for name, value in rows)
    return _table(("", ""), digits)


def _diagonal() -> Series:
    return Series([(0.0, 0.0), (1.0, 1.0)], color=GREY, dashed=True)


def _section(title: str, inside: str) -> str:
    return f"<h2>{_text(title)}</h2>{inside}\n"


def _quiet(text: str) -> str:
    return f'<p class="quiet">{_text(text)}</p>'


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = ["".join(f"<th>{_text(name)}</th>" for name in head)] if any(head) else []
    lines += ["".join(map(_cell, row)) for row in rows]
    return f'<div class="wide"><table>{"".join(f"<tr>{line}</tr>" for line in lines)}</table></div>'


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f'<td class="number">{value:.4g}</td>'
    return f"<td{' class=number' if isinstance(value, int) else ''}>{_text(value)}</td>"


def _interval(found: Interval, sign: str = "") -> str:
    return f"{found['low']:{sign}.4g} to {found['high']:{sign}.4g}"


def _round(found: MetricValue) -> object:
    return found["standard_deviation"] if isinstance(found["standard_deviation"], float) else ""


def _text(value: object) -> str:
    return escape(str(value))
