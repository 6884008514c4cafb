"""What Python compiles of the code shipped with a job, kept for the next job with the same code.

Every job unpacks its code into a folder of its own, so Python would compile all of it each time, which takes
a tenth of a second or more. Here a compiled module is found by the contents of its source, wherever that is.
"""

import hashlib
import sys
from collections.abc import Mapping
from importlib.abc import PathEntryFinder
from importlib.machinery import (
    BYTECODE_SUFFIXES,
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    SourceFileLoader,
    SourcelessFileLoader,
)
from pathlib import Path
from typing import Any

__all__ = ["keep"]


def keep(folder: Path, of: Path) -> None:
    """From now on, keep in a folder what this process compiles of the modules below another folder."""

    class Loader(SourceFileLoader):
        """Reads and writes compiled modules there; all else is as Python does it."""

        def path_stats(self, path: str) -> Mapping[str, Any]:
            source = self.get_data(path)
            self._kept = folder / f"{hashlib.sha256(source).hexdigest()}.{sys.implementation.cache_tag}.pyc"
            # Python compares both with what the compiled file says; the name of that stands for the contents.
            return {"mtime": 0, "size": len(source)}

        def get_data(self, path: str) -> bytes:
            return super().get_data(str(self._kept) if path.endswith(tuple(BYTECODE_SUFFIXES)) else path)

        def set_data(self, path: str, data: bytes, *, _mode: int = 0o666) -> None:
            super().set_data(str(self._kept), data, _mode=_mode)

    find = FileFinder.path_hook(
        (ExtensionFileLoader, EXTENSION_SUFFIXES),
        (Loader, SOURCE_SUFFIXES),
        (SourcelessFileLoader, BYTECODE_SUFFIXES),
    )

    def finder(path: str) -> PathEntryFinder:
        if not Path(path).is_relative_to(of):
            raise ImportError(f"{path} is not below {of}", path=path)
        return find(path)

    sys.path_hooks.insert(0, finder)
