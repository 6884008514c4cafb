"""Notebook 02: the SageMaker pipeline, its parameters, its steps, and the definition they are compiled to.

- `compiler`, `parameters`: what all steps share; `sdk`: where the SageMaker SDK must be made to fit.
- `processing`, `training`, `registration`: the steps.
- `publishing`: the definition, and where it goes.
- `algorithms`, `own_steps`, `job_source`, `network`: what competes, the code that travels, where jobs run.

The only package that imports the SageMaker SDK, which takes seconds and reads the address and the region of
AWS meanwhile: so what needs it is imported when it is first asked for, which is after `connect`.
"""

from importlib import import_module
from typing import Any

_WHERE = {
    "Compiler": "compiler",
    "DEFAULTS": "parameters",
    "Parameters": "parameters",
    "base_image": "publishing",
    "definition": "publishing",
    "evaluate_best_model": "processing",
    "preprocess_data": "processing",
    "publish": "publishing",
    "refit_best_model": "training",
    "register_best_model": "registration",
    "register_condition_check": "registration",
    "steps": "publishing",
    "tuning_with_cross_validation": "training",
}
__all__ = list(_WHERE)


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"The package {__name__} has no {name!r}; it has {', '.join(_WHERE)}.")
    return getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)


def __dir__() -> list[str]:
    return list(_WHERE)
