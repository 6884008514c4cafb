"""The types of steps, one short file for each: a new file with a new class is a new type.

Read `base` first: what a step type is, and one step under way. Then those that are jobs (`jobs` is what they
share, then `processing`, `training`, `tuning`), those that decide (`condition`, `fail`) and `register_model`.
"""

import importlib
import pkgutil

from local_aws.services.pipelines.steps.base import Services, StepFailed, StepRun, StepType

__all__ = ["STEP_TYPES", "Services", "StepFailed", "StepRun", "StepType"]

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

STEP_TYPES: dict[str, type[StepType]] = StepType.found
