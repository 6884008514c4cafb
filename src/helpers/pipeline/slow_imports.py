"""What imports do for seconds, postponed until somebody needs it, which nobody here does.

jsonschema, which nbformat and the SageMaker SDK import, checks texts of the formats `iri` and `iri-reference`
by a grammar if it is installed. JupyterLab installs it. The package of the grammar compiles it when it is
imported: in every notebook that compiles a pipeline, and in every `many-models run`.

Python looks for garbage in what is imported, again and again: for half of the time of the SDK's import, and
for two more seconds when it ends.
"""

import gc
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

__all__ = ["GRAMMAR", "postpone", "without_collections"]

GRAMMAR = "rfc3987_syntax"  # seen on 1.1.0


def postpone() -> None:
    """Have the grammar compiled when something of it is used; a second time changes nothing."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


@contextmanager
def without_collections() -> Iterator[None]:
    """Import without looking for garbage among what stays, neither now nor later, nor when Python ends."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_enabled:
            gc.enable()


class _Finder(MetaPathFinder):
    """Finds the package where it is, and nothing else."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Describe the package as it will be executed; None if it is not installed."""
        spec = PathFinder.find_spec(fullname, path, target) if fullname == GRAMMAR else None
        if spec is not None and spec.loader is not None:
            spec.loader = _Later(spec.loader)
        return spec


class _Later(Loader):
    """Executes a module when something of it is used."""

    def __init__(self, loader: Loader) -> None:
        self.loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Create it as usual."""
        return self.loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        """Give it the function that jsonschema takes at once, and all others when somebody asks for one."""

        def execute(name: str) -> Any:
            if name.startswith("__"):  # what Python and debuggers ask of every module
                raise AttributeError(name)
            del module.__getattr__, module.is_valid_syntax
            self.loader.exec_module(module)
            return getattr(module, name)

        def is_valid_syntax(term: str, value: str) -> bool:
            known = module.is_valid_syntax
            return (execute("is_valid_syntax") if known is is_valid_syntax else known)(term, value)

        module.__dict__.update(__getattr__=execute, is_valid_syntax=is_valid_syntax)
