"""The instances that a job asks for, and for how long.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ResourceConfig.html
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_StoppingCondition.html
https://docs.aws.amazon.com/ec2/latest/instancetypes/ac.html
"""

import re
from collections.abc import Mapping
from typing import Any

from local_aws.core.errors import invalid, not_emulated

__all__ = ["check_cluster", "check_training_cluster"]

# Families with storage of their own, which SageMaker uses instead of a volume of a size that is asked for,
# and families without any. Of others, such as g7, it is unknown: nothing is demanded and nothing refused.
_LOCAL_STORAGE = re.compile(
    r"ml\.(?:[a-z]+\d[a-z]*d[a-z]*|g[56]e?|g7e|p4de?|p5[a-z]*|p6-b[23]00|p6e-gb200|trn[12][a-z]*)\.[a-z0-9]+"
)
_VOLUMES_ONLY = re.compile(r"ml\.(?:[cmrt]\d[a-ce-z]*(?:-flex)?|p[23])\.[a-z0-9]+")
_LONGEST = 28 * 24 * 3600  # seconds that a training job may run


def check_cluster(cluster: Mapping[str, Any]) -> None:
    """Refuse a key for the volume of an instance that has none.

    Raises:
        AwsError: It is refused.
    """
    kind = str(cluster.get("InstanceType", ""))
    if cluster.get("VolumeKmsKeyId") and _LOCAL_STORAGE.fullmatch(kind):
        raise invalid(f"VolumeKmsKeyId cannot be used with {kind}, which has local storage.")


def check_training_cluster(request: Mapping[str, Any], cluster: Mapping[str, Any]) -> None:
    """Refuse instances of a training job, or of a tuning job's trials, that SageMaker would refuse.

    Raises:
        AwsError: They are refused, or not emulated.
    """
    if cluster.get("InstanceGroups"):
        raise not_emulated("instance groups")
    if cluster.get("InstanceConfigs"):
        raise not_emulated("InstanceConfigs of a HyperParameterTuningResourceConfig")
    for field in ("InstanceType", "InstanceCount"):
        if field not in cluster:
            raise invalid(f"The instances of a training job need {field}.")
    kind = cluster["InstanceType"]
    if not cluster.get("VolumeSizeInGB") and _VOLUMES_ONLY.fullmatch(kind):
        raise invalid(f"VolumeSizeInGB is needed with {kind}, which has no local storage.")
    check_cluster(cluster)
    seconds = request.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", 0)
    if seconds > _LONGEST:
        raise invalid(f"MaxRuntimeInSeconds is {seconds}; at most {_LONGEST}, 28 days, are allowed.")
