"""Turn a fitted scikit-learn pipeline, or an ensemble of them, into a portable model."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, TargetEncoder

from tabular.portable.exporters import EXPORTERS, NotPortable, Parts
from tabular.portable.model import ENSEMBLE, LEVEL_VALUES, prefix
from tabular.spec.columns import Schema
from tabular.spec.estimators import Exporter

__all__ = ["export", "export_ensemble"]


def export(pipeline: Pipeline, schema: Schema, exporter: Exporter | None) -> Parts:
    """The manifest's model part and the arrays of a fitted pipeline.

    Args:
        pipeline: a fitted pipeline that `build_pipeline` built.
        schema: the schema of the table that it was fitted on.
        exporter: the exporter that the algorithm's row names, see `tabular.spec.algorithms.exporter_of`.

    Raises:
        NotPortable: if the portable format does not support the estimator or one of its settings.
    """
    encodings, arrays = _export_features(
        pipeline.named_steps["features"], schema.of_kind("categorical"), len(schema.classes)
    )
    estimator = pipeline.named_steps["estimator"]
    if schema.options.log_target:
        estimator = estimator.regressor_
    unit = None
    learnt_standardised = schema.family == "regression" and hasattr(estimator, "regressor_")
    if learnt_standardised:
        unit = (estimator.mean_, estimator.scale_)
        estimator = estimator.regressor_
    name = type(estimator).__name__
    if exporter is None:
        raise NotPortable(
            f"{name} cannot be made portable: its row does not name an exporter (one of "
            f"{', '.join(EXPORTERS)}). Name the one that fits, or keep the model as a pickle by naming the "
            "algorithm in PICKLES of your own steps and in SERVE_PICKLES of the server."
        )
    try:
        settings, estimator_arrays = EXPORTERS[exporter](estimator)
    except AttributeError as error:
        raise NotPortable(
            f"The exporter {exporter!r} does not fit {name}: {error}. Name another exporter in its row."
        ) from error
    if unit is not None:
        _put_into_unit(name, settings, estimator_arrays, *unit)
    if schema.options.log_target:
        settings["link"] = "expm1"
    return {**schema.to_dict(), "encodings": encodings, "estimator": settings}, {**arrays, **estimator_arrays}


def _put_into_unit(
    name: str, settings: Mapping[str, Any], arrays: dict[str, np.ndarray], mean: float, scale: float
) -> None:
    """Let the last layer answer the target itself, where it was fitted on the standardised target.

    Raises:
        NotPortable: if the estimator has no last layer.
    """
    last = {"linear": "", "neural_network": f".{settings.get('layers', 0) - 1}"}.get(settings["kind"])
    if last is None:
        raise NotPortable(
            f"{name} cannot be made portable with standardise_target, which only linear models and neural "
            "networks can have; leave it out of its row."
        )
    arrays[f"weights{last}"] = arrays[f"weights{last}"] * scale
    arrays[f"intercept{last}"] = arrays[f"intercept{last}"] * scale + mean


def export_ensemble(
    pipelines: Sequence[Pipeline],
    weights: Sequence[float],
    schema: Schema,
    exporters: Sequence[Exporter | None],
) -> Parts:
    """The manifest's model part and the arrays of the weighted mean of several fitted pipelines.

    What levels become is stored once for all pipelines that were fitted on the same rows as the first.

    Args:
        pipelines: fitted pipelines that `build_pipeline` built.
        weights: the weight of each; their sum is one.
        schema: the schema of the table that they were fitted on.
        exporters: for each, the exporter that the algorithm's row names.

    Raises:
        NotPortable: as in `export`.
    """
    members: list[dict[str, Any]] = []
    arrays: dict[str, np.ndarray] = {}
    encodings: list[dict[str, Any]] = []
    for number, (pipeline, weight, exporter) in enumerate(zip(pipelines, weights, exporters, strict=True)):
        model, own = export(pipeline, schema, exporter)
        values = own.get(LEVEL_VALUES)
        if number == 0:
            encodings = model["encodings"]
            if values is not None:
                arrays[LEVEL_VALUES] = values
        member = {"weight": float(weight), "estimator": model["estimator"]}
        if model["encodings"] != encodings or not _same(values, arrays.get(LEVEL_VALUES)):
            member["encodings"] = model["encodings"]
        else:
            own.pop(LEVEL_VALUES, None)
        arrays |= {prefix(number) + name: array for name, array in own.items()}
        members.append(member)
    described = {"encodings": encodings, "estimator": {"kind": ENSEMBLE}, "members": members}
    return {**schema.to_dict(), **described}, arrays


def _same(one: np.ndarray | None, other: np.ndarray | None) -> bool:
    return one is other if one is None or other is None else np.array_equal(one, other)


def _export_features(
    features: ColumnTransformer, categories: list[str], n_classes: int
) -> tuple[list[dict[str, Any]], dict[str, np.ndarray]]:
    fill, mean, scale = [], [], []
    encodings: dict[str, dict[str, Any]] = {}
    values: list[np.ndarray] = []
    for _, fitted, columns in features.transformers_:
        encoder = fitted.named_steps.get("encode") if isinstance(fitted, Pipeline) else fitted
        if not len(columns):  # of categories with this many levels, the table has none
            continue
        if isinstance(encoder, OneHotEncoder):
            encodings |= {name: _encoding(encoder, i) for i, name in enumerate(columns)}
        elif isinstance(encoder, TargetEncoder):
            for i, name in enumerate(columns):
                encoding, rows = _target_encoding(encoder, i, sum(map(len, values)), n_classes)
                encodings[name] = encoding
                values.append(rows)
            width = len(columns) * values[0].shape[1]
            if isinstance(fitted, Pipeline):
                fill.append(np.zeros(width))  # a level's value is never missing
                mean.append(fitted.named_steps["scale"].mean_)
                scale.append(fitted.named_steps["scale"].scale_)
        elif isinstance(fitted, Pipeline) and "impute" in fitted.named_steps:
            fill.append(np.nan_to_num(fitted.named_steps["impute"].statistics_.astype(np.float64)))
            mean.append(fitted.named_steps["scale"].mean_)
            scale.append(fitted.named_steps["scale"].scale_)
        elif hasattr(fitted, "statistics_"):
            fill.append(np.nan_to_num(fitted.statistics_.astype(np.float64)))
            mean.append(np.zeros(len(columns)))
            scale.append(np.ones(len(columns)))
    constants = {"numeric.fill": fill, "numeric.mean": mean, "numeric.scale": scale, LEVEL_VALUES: values}
    arrays = {name: np.concatenate(parts) for name, parts in constants.items() if parts}
    return [encodings[name] for name in categories], arrays


def _target_encoding(
    encoder: TargetEncoder, index: int, start: int, n_classes: int
) -> tuple[dict[str, Any], np.ndarray]:
    """The row of each level in the array of values, and its rows in it, which begin at `start`.

    The last of them is for an unknown level.
    """
    outputs = n_classes if encoder.target_type_ == "multiclass" else 1
    known = np.column_stack(encoder.encodings_[index * outputs : (index + 1) * outputs])
    rows = np.vstack([known, np.atleast_2d(encoder.target_mean_)])
    levels = {str(level): start + row for row, level in enumerate(encoder.categories_[index])}
    return {"kind": "target", "levels": levels, "unknown": start + len(known)}, rows


def _encoding(encoder: OneHotEncoder, index: int) -> dict[str, Any]:
    """The column for each level of a category and for an unknown level (None: none), and the column count."""
    levels = [str(level) for level in encoder.categories_[index]]
    infrequent = encoder.infrequent_categories_[index]
    if infrequent is None:
        positions = {level: position for position, level in enumerate(levels)}
        return {"levels": positions, "unknown": None, "width": len(levels)}
    rare = {str(level) for level in infrequent}
    frequent = [level for level in levels if level not in rare]
    positions = {level: position for position, level in enumerate(frequent)}
    positions |= dict.fromkeys(sorted(rare), len(frequent))
    return {"levels": positions, "unknown": len(frequent), "width": len(frequent) + 1}
