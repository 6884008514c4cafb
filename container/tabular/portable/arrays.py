"""Arrays in a file, in the format of https://huggingface.co/docs/safetensors, read without a copy."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import orjson

from tabular.portable.predictors import Arrays

if TYPE_CHECKING:
    import mmap

__all__ = ["arrays_in", "mapped"]

DTYPES = {"BOOL": np.dtype("?")} | {
    f"{kind}{8 * size}": np.dtype(f"<{kind.lower()}{size}")
    for kind, sizes in (("I", (1, 2, 4, 8)), ("U", (1, 2, 4, 8)), ("F", (2, 4, 8)))
    for size in sizes
}
LARGE = 1 << 16  # bytes: it is faster to read a smaller file than to map it
MOST_HEADER = 1 << 20  # bytes: a model has a few dozen arrays
LENGTH = 8  # bytes, of the number in front of the header


def mapped(path: Path) -> "mmap.mmap | bytes":
    """The contents of a file, which are not read before they are needed if they are large."""
    with path.open("rb", buffering=0) as file:
        if os.fstat(file.fileno()).st_size < LARGE:
            return file.read()
        import mmap

        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def arrays_in(contents: "mmap.mmap | bytes | memoryview") -> Arrays:
    """Views of the arrays in a file, which do not take memory of their own.

    Raises:
        LookupError, TypeError, ValueError, AttributeError, RecursionError: it is not such a file.
    """
    whole = memoryview(contents)
    start = LENGTH + int.from_bytes(whole[:LENGTH], "little")
    if not LENGTH < start <= min(len(whole), MOST_HEADER):
        raise ValueError("it has no header, or a longer one than a model needs")
    header, data = orjson.loads(whole[LENGTH:start]), whole[start:]
    return {
        name: _array(data, about["dtype"], about["shape"], *about["data_offsets"])
        for name, about in header.items()
        if name != "__metadata__"
    }


def _array(data: memoryview, dtype: str, shape: list[int], begin: int, end: int) -> np.ndarray:
    is_inside = type(begin) is type(end) is int and 0 <= begin <= end <= len(data)
    if not is_inside or type(shape) is not list or min(shape, default=0) < 0:
        raise ValueError(f"an array of shape {shape} is at {begin} to {end}")
    array = np.ndarray(shape, DTYPES[dtype], data, begin)  # NumPy refuses shapes that are too large
    if array.nbytes != end - begin:
        raise ValueError(f"{end - begin} bytes are not an array of shape {shape}")
    return array if array.flags.aligned else array.copy()
