"""A model's files: written with the SHA-256 of each, and read without executing any code.

The arrays are in the format of https://huggingface.co/docs/safetensors. They are read by memory map, so that
loading a model takes no more memory than the model itself.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from safetensors.numpy import save

from tabular.data.values.long_numbers import exact
from tabular.portable import fleet, pickled
from tabular.portable.arrays import arrays_in, mapped
from tabular.portable.model import (
    ARRAYS,
    ENSEMBLE,
    ENSEMBLE_VERSION,
    FORMAT,
    FORMAT_VERSION,
    MANIFEST,
    PortableModel,
)
from tabular.portable.predictors import Arrays
from tabular.portable.table_model import TableModel, UnusableModel

__all__ = ["load_model", "save_model"]


def save_model(
    folder: Path, manifest: dict[str, Any], arrays: Arrays, others: Mapping[str, bytes] | None = None
) -> None:
    """Write `manifest.json`, `model.safetensors` and other files, which the server does not read.

    The manifest contains the SHA-256 of each file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = {ARRAYS: save({name: np.ascontiguousarray(array) for name, array in arrays.items()})}
    files |= others or {}
    for name, contents in files.items():
        (folder / name).write_bytes(contents)
    is_ensemble = manifest["estimator"]["kind"] == ENSEMBLE
    whole = {
        "format": FORMAT,
        "format_version": ENSEMBLE_VERSION if is_ensemble else FORMAT_VERSION,
        "files": {name: hashlib.sha256(contents).hexdigest() for name, contents in files.items()},
        **manifest,
    }
    (folder / MANIFEST).write_text(json.dumps(whole, indent=1))


def load_model(folder: Path, pickles: frozenset[str] = frozenset()) -> TableModel:
    """Read a model that `save_model` wrote, or a pickle if its algorithm is in `pickles`.

    Raises:
        UnusableModel: if a file is missing or changed, or the format has another version.
    """
    try:
        manifest = _parsed((folder / MANIFEST).read_bytes())
        if isinstance(manifest, dict) and manifest.get("portable") is False:
            raise UnusableModel(str(manifest.get("reason")))
        if isinstance(manifest, dict) and manifest.get("format") == pickled.FORMAT:
            return pickled.load_pickled(folder, manifest, pickles)
        if isinstance(manifest, dict) and manifest.get("format") == fleet.FORMAT:
            return fleet.load_fleet(folder, manifest, load_model)
        contents = mapped(folder / ARRAYS)
    except FileNotFoundError as error:
        raise UnusableModel(f"The model has no {Path(str(error.filename)).name}.") from None
    except UnusableModel:
        raise
    except (OSError, ValueError, RecursionError) as error:
        raise UnusableModel(f"The model's {MANIFEST} cannot be read: {error}.") from None
    version = manifest.get("format_version") if isinstance(manifest, dict) else None
    if version not in (FORMAT_VERSION, ENSEMBLE_VERSION):
        raise UnusableModel(
            f"The model's format version is {version!r}; this server reads {FORMAT_VERSION} and "
            f"{ENSEMBLE_VERSION}."
        )
    if manifest.get("format") != FORMAT:
        raise UnusableModel(
            f"The model's format is {manifest.get('format')!r}; this server reads {FORMAT!r}."
        )
    files = manifest.get("files")
    if not isinstance(files, dict) or files.get(ARRAYS) != hashlib.sha256(contents).hexdigest():
        raise UnusableModel(f"The SHA-256 of {ARRAYS} is not the one in {MANIFEST}.")
    try:
        arrays = arrays_in(contents)
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise UnusableModel(f"{ARRAYS} cannot be read: {error!r}.") from None
    return PortableModel(manifest, arrays)


def _parsed(contents: bytes) -> Any:
    """A JSON document, parsed in a quarter of the time that Python's own parser takes.

    Raises:
        ValueError, RecursionError: if it is not JSON.
    """
    try:
        return exact(contents, orjson.loads(contents))
    except orjson.JSONDecodeError:  # such as of NaN, which `save_model` may have written
        return json.loads(contents.decode())
