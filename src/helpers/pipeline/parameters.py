"""What can be set when the pipeline is started, each with a default."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from sagemaker.core.workflow.parameters import ParameterFloat, ParameterInteger, ParameterString
from tabular.spec.columns import Family

from contract.seeds import RANDOM_STATE, tuner_seed
from helpers.errors import BadInput

__all__ = ["DEFAULTS", "Parameters"]

COMMON: Mapping[str, Any] = {
    "StratifySplit": "true",
    "TestSetSize": 0.2,
    "RandomState": RANDOM_STATE,
    "CrossValidationFolds": 5,
    "Search": "jobs",
    "SearchSeconds": 0,
    "Ensemble": "true",
    "FleetInstances": 1,
    "SearchRows": 0,
    "MaxTuningJobs": 24,
    "MaxTuningParallelJobs": 2,
    "ChampionMargin": 0.05,
    "ChampionConfidence": 0.95,
    "RegisterModelApprovalStatus": "PendingManualApproval",
}
DEFAULTS: Mapping[Family, Mapping[str, Any]] = {
    "classification": COMMON
    | {
        "CrossValidationScorer": "neg_log_loss",
        "MetricForRegistrationThreshold": "auc",
        "MinThresholdForRegisterMetric": 0.9,
    },
    "regression": COMMON
    | {
        "CrossValidationScorer": "neg_root_mean_squared_error",
        "MetricForRegistrationThreshold": "r2",
        "MinThresholdForRegisterMetric": 0.3,
    },
}


MEANINGS: Mapping[str, str] = {
    "DatasetName": "whose model is trained: part of the name of its group in the registry",
    "InputDataUri": "the folder in S3 with the raw table",
    "TargetColumn": "the column to predict",
    "StratifySplit": "keep the class frequencies in both splits",
    "TestSetSize": "the fraction of rows that are held out",
    "RandomState": "the seed of the split and of every model",
    "CrossValidationScorer": "the scorer by which trials compete",
    "CrossValidationFolds": "the folds of the cross-validation",
    "Search": "where the trials run: jobs or packed",
    "SearchSeconds": "the time limit of a packed search; 0 for none",
    "Ensemble": "whether the best trials may be combined",
    "FleetInstances": "the instances that search a table with partitions",
    "SearchRows": "the rows on which trials compete; 0 for all",
    "MaxTuningJobs": "the number of trials",
    "MaxTuningParallelJobs": "the trials at a time, for jobs",
    "TunerSeed": "the seed of the tuner, for jobs",
    "MetricForRegistrationThreshold": "the metric of the gate",
    "MinThresholdForRegisterMetric": "what the metric must reach on held-out rows",
    "ChampionMargin": "the fraction of the skill that a new version may lose",
    "ChampionConfidence": "how sure it must be that no more is lost",
    "RegisterModelApprovalStatus": "the status of a new version",
    "PreprocessingInstance": "the instance type of PreprocessData",
    "TrainingInstance": "the instance type of trials, refit and search",
    "EvaluationInstance": "the instance type of EvaluateBestModel",
}


@dataclass(frozen=True)
class Parameters:
    """What can be set when the pipeline is started, under the names that SageMaker Studio shows.

    They are the same for both ways to search, so whoever starts a pipeline need not know which one it was
    compiled for. MaxTuningParallelJobs and TunerSeed are for `jobs`, SearchSeconds is for `packed`.
    FleetInstances is for a table with partitions; any other one is searched on one instance.
    """

    DatasetName: ParameterString
    InputDataUri: ParameterString
    TargetColumn: ParameterString
    StratifySplit: ParameterString
    TestSetSize: ParameterFloat
    RandomState: ParameterInteger
    CrossValidationScorer: ParameterString
    CrossValidationFolds: ParameterInteger
    Search: ParameterString
    SearchSeconds: ParameterInteger
    Ensemble: ParameterString
    FleetInstances: ParameterInteger
    SearchRows: ParameterInteger
    MaxTuningJobs: ParameterInteger
    MaxTuningParallelJobs: ParameterInteger
    TunerSeed: ParameterInteger
    MetricForRegistrationThreshold: ParameterString
    MinThresholdForRegisterMetric: ParameterFloat
    ChampionMargin: ParameterFloat
    ChampionConfidence: ParameterFloat
    RegisterModelApprovalStatus: ParameterString
    PreprocessingInstance: ParameterString
    TrainingInstance: ParameterString
    EvaluationInstance: ParameterString

    @property
    def packed(self) -> bool:
        """Whether one job runs all trials, instead of a tuner with a job for each."""
        return self.Search.default_value == "packed"

    @classmethod
    def with_defaults(cls, defaults: Mapping[str, Any], family: Family = "classification") -> "Parameters":
        """Parameters that all have a default, so that a schedule can start the pipeline without setting any.

        What `defaults` does not contain is taken from the DEFAULTS of the family.

        Raises:
            BadInput: a parameter is unknown, or has no default.
        """
        defaults = {**DEFAULTS[family], **defaults}
        seed = tuner_seed(defaults.get("DatasetName", ""), defaults["RandomState"])
        defaults = {"TunerSeed": seed, **defaults}
        kinds = {name: field.type for name, field in cls.__dataclass_fields__.items()}
        if strange := sorted(set(defaults) ^ set(kinds)):
            raise BadInput(
                f"{', '.join(strange)}: each parameter of the pipeline needs a default, and no others "
                f"exist; the parameters are {', '.join(kinds)}."
            )
        allowed = {
            "StratifySplit": ["true", "false"],
            "Ensemble": ["true", "false"],
            # The steps are those of one way, so an execution that asks for the other one is refused.
            "Search": [defaults["Search"]],
            # A pipeline registers models and a person approves them; on AWS, the jobs' role enforces this.
            "RegisterModelApprovalStatus": ["PendingManualApproval"],
        }
        made = {}
        for name, kind in kinds.items():
            options = {"enum_values": allowed[name]} if name in allowed else {}
            made[name] = kind(name=name, default_value=defaults[name], **options)
        return cls(**made)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.__dict__.values())

    def table(self) -> pd.DataFrame:
        """A row for each parameter: its type, what it is, and its default."""
        rows = {p.name: (p.parameter_type.value, MEANINGS[p.name], str(p.default_value)) for p in self}
        columns = ["type", "what it is", "default"]
        return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("parameter")
