"""The seed of the tuner's draws: one definition serves all tables, and each table gets draws of its own."""

import hashlib

__all__ = ["RANDOM_STATE", "tuner_seed"]

RANDOM_STATE = 42  # if an execution is given no other


def tuner_seed(dataset: str, random_state: object = RANDOM_STATE) -> int:
    """The seed for a table: the same for the same name and random state, another one for any other.

    The random state is a number, or the text that says it.


    SageMaker takes seeds below 2^32; one below 2^31 is an integer in whatever reads it.
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_HyperParameterTuningJobConfig.html
    """
    digest = hashlib.sha256(f"{random_state} {dataset}".encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1
