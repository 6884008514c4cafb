"""The step types, one short file for each: to add a type, add a file with a class.

Read `pipelines.step` first: a step type, and one running step. Then read the steps that run jobs (`jobs`),
those that control the execution (`condition`, `fail`), `model` and `register_model`, and those that ask
others (`lambda_function` and `callback`).
"""

import importlib
import pkgutil

from local_aws.services.pipelines.step import Services, StepFailed, StepRun, StepType

__all__ = ["STEP_TYPES", "Services", "StepFailed", "StepRun", "StepType"]

for _module in pkgutil.walk_packages(__path__, f"{__name__}."):
    importlib.import_module(_module.name)

STEP_TYPES: dict[str, type[StepType]] = StepType.found
