"""The SageMaker pipeline: its parameters, its steps, and the definition they are compiled to.

The only package that imports the SageMaker SDK. Import it after `connect`: the SDK reads the address and
the region of AWS while it is imported.
"""

from helpers.pipeline.compiler import Compiler
from helpers.pipeline.parameters import DEFAULTS, Parameters
from helpers.pipeline.processing import evaluate_best_model, preprocess_data
from helpers.pipeline.publishing import base_image, definition, publish, steps
from helpers.pipeline.registration import register_best_model, register_condition_check
from helpers.pipeline.training import refit_best_model, tuning_with_cross_validation

__all__ = [
    "DEFAULTS",
    "Compiler",
    "Parameters",
    "base_image",
    "definition",
    "evaluate_best_model",
    "preprocess_data",
    "publish",
    "refit_best_model",
    "register_best_model",
    "register_condition_check",
    "steps",
    "tuning_with_cross_validation",
]
