"""A model's files: written with the SHA-256 of each, and read without executing any code.

The arrays are in the format of https://huggingface.co/docs/safetensors. They are read by memory map, so that
loading a model takes no more memory than the model itself.
"""

import hashlib
import json
import math
import mmap
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save

from tabular.portable import pickled
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

DTYPES = {"BOOL": np.dtype("?")} | {
    f"{kind}{8 * size}": np.dtype(f"<{kind.lower()}{size}")
    for kind, sizes in (("I", (1, 2, 4, 8)), ("U", (1, 2, 4, 8)), ("F", (2, 4, 8)))
    for size in sizes
}
LARGE = 1 << 16  # bytes: it is faster to read a smaller file than to map it
MOST_HEADER = 1 << 20  # bytes: a model has a few dozen arrays
LENGTH = 8  # bytes, of the number in front of the header


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
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        if isinstance(manifest, dict) and manifest.get("portable") is False:
            raise UnusableModel(str(manifest.get("reason")))
        if isinstance(manifest, dict) and manifest.get("format") == pickled.FORMAT:
            return pickled.load_pickled(folder, manifest, pickles)
        contents = _mapped(folder / ARRAYS)
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
        arrays = _arrays(contents)
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise UnusableModel(f"{ARRAYS} cannot be read: {error!r}.") from None
    return PortableModel(manifest, arrays)


def _mapped(path: Path) -> mmap.mmap | bytes:
    with path.open("rb", buffering=0) as file:
        if os.fstat(file.fileno()).st_size < LARGE:
            return file.read()
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def _arrays(contents: mmap.mmap | bytes) -> Arrays:
    """Views of the arrays in a file, which do not take memory of their own.

    Raises:
        LookupError, TypeError, ValueError, AttributeError, RecursionError: it is not such a file.
    """
    whole = memoryview(contents)
    start = LENGTH + int.from_bytes(whole[:LENGTH], "little")
    if not LENGTH < start <= min(len(whole), MOST_HEADER):
        raise ValueError("it has no header, or a longer one than a model needs")
    header, data = json.loads(bytes(whole[LENGTH:start])), whole[start:]
    return {
        name: _array(data, about["dtype"], about["shape"], *about["data_offsets"])
        for name, about in header.items()
        if name != "__metadata__"
    }


def _array(data: memoryview, dtype: str, shape: list[int], begin: int, end: int) -> np.ndarray:
    kind, count = DTYPES[dtype], math.prod(shape)
    if not all(type(number) is int and number >= 0 for number in (*shape, begin, end)) or end > len(data):
        raise ValueError(f"an array of shape {shape} is at {begin} to {end}")
    if end - begin != count * kind.itemsize:
        raise ValueError(f"{end - begin} bytes are not an array of shape {shape}")
    array = np.frombuffer(data, kind, count, begin) if count else np.empty(0, kind)
    return (array if array.flags.aligned else array.copy()).reshape(shape)
