"""Notebook 02: the SageMaker pipeline, its parameters, its steps, and the definition they are compiled to.

- `code`: what the jobs run: the competing algorithms, your own steps, and the code shipped with each job.
- `compiler`, `parameters`, `infrastructure`: what all steps share; `sdk`: adaptations of the SageMaker SDK.
- `processing`, `training`, `registration`: the steps.
- `publishing`: compiles the steps to a definition and publishes it.
- `slow_imports`: what takes seconds of an import and nobody needs.
- `definitions`: one to look at, and what differs between two.

This is the only package that imports the SageMaker SDK. The import takes seconds and reads the address and
the region of AWS, so modules that need the SDK are imported at their first use, which is after `connect`.
"""

from importlib import import_module
from typing import Any

from helpers.pipeline import slow_imports

slow_imports.postpone()
_WHERE = {
    "Compiler": "compiler",
    "DEFAULTS": "parameters",
    "Parameters": "parameters",
    "as_json": "definitions.cards",
    "base_image": "publishing",
    "changes": "definitions.comparing",
    "definition": "publishing",
    "evaluate_best_model": "processing",
    "gate": "definitions.cards",
    "preprocess_data": "processing",
    "publish": "publishing",
    "published": "definitions.comparing",
    "register_best_model": "registration",
    "register_condition_check": "registration",
    "search": "training",
    "step_card": "definitions.cards",
    "steps": "publishing",
    "threshold_condition_check": "registration",
    "with_defaults": "definitions.expressions",
}
__all__ = list(_WHERE)
__dir__ = __all__.copy


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"The package {__name__} has no {name!r}; it has {', '.join(_WHERE)}.")
    with slow_imports.without_collections():
        return getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)
