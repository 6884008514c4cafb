"""The instances of a training job: their configuration, their shares of the objects, and what they leave.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html
"""

import gzip
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from local_aws.core.store import Document
from local_aws.services.jobs.run import Instance, JobFailed
from local_aws.services.s3 import Buckets

__all__ = ["SHARDED", "archive", "download_channel", "hosts_of", "write_configuration"]

SHARDED = "ShardedByS3Key"


def hosts_of(count: int) -> list[str]:
    """Return the names of a job's instances, sorted as text, as AWS sorts them: algo-10 before algo-2."""
    return sorted(f"algo-{number}" for number in range(1, count + 1))


def download_channel(buckets: Buckets, channel: Document, instances: Sequence[Instance]) -> None:
    """Copy a channel's objects to all instances, or, if they are sharded by their keys, a share to each.

    AWS gives each of n instances about 1/n of the objects, and does not say which. Here they take turns in
    the order of the keys. As on AWS, an instance may get none and has an empty folder.
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_S3DataSource.html

    Raises:
        JobFailed: There are no objects.
    """
    name, source = channel["ChannelName"], channel["DataSource"]["S3DataSource"]
    sharded = source.get("S3DataDistributionType") == SHARDED
    copied = 0
    for place, instance in enumerate(instances):
        share = (place, len(instances)) if sharded else (0, 1)
        copied += buckets.download(source["S3Uri"], instance.base / "input" / "data" / name, share)
    if not copied:
        raise JobFailed(f"ClientError: channel {name!r} has no objects at {source['S3Uri']}")


def write_configuration(instance: Instance, hosts: Sequence[str], job: Document) -> None:
    """Write the files of /opt/ml/input/config."""
    channels = {
        channel["ChannelName"]: {
            "TrainingInputMode": "File",
            "S3DistributionType": channel["DataSource"]["S3DataSource"].get(
                "S3DataDistributionType", "FullyReplicated"
            ),
            "RecordWrapperType": channel.get("RecordWrapperType", "None"),
            **({"ContentType": channel["ContentType"]} if "ContentType" in channel else {}),
        }
        for channel in job.get("InputDataConfig", [])
    }
    instance_type = job["ResourceConfig"].get("InstanceType", "local")
    group = {"instance_group_name": "homogeneousCluster", "instance_type": instance_type}
    resources = {
        "current_host": instance.host,
        "current_instance_type": instance_type,
        "current_group_name": "homogeneousCluster",
        "hosts": list(hosts),
        "instance_groups": [{**group, "hosts": list(hosts)}],
        "network_interface_name": "lo",
    }
    folder = instance.base / "input" / "config"
    folder.mkdir(parents=True)
    for name, content in (
        ("hyperparameters", job.get("HyperParameters", {})),
        ("inputdataconfig", channels),
        ("resourceconfig", resources),
    ):
        (folder / f"{name}.json").write_text(json.dumps(content))


def archive(folders: Mapping[str, Path]) -> bytes:
    """Return the contents of each host's folder in one tar.gz, whose bytes depend on names and contents only.

    Raises:
        JobFailed: Two hosts have written the same name. AWS joins their folders, asks that no names clash,
            and does not say what it does with those that do.
            https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-output.html
    """
    writers: dict[str, str] = {}
    for host, folder in folders.items():
        for path in folder.iterdir():
            if (other := writers.setdefault(path.name, host)) != host:
                raise JobFailed(
                    f"ClientError: {other} and {host} both wrote {path.name!r} into /opt/ml/"
                    f"{'output/data' if folder.name == 'data' else folder.name}. SageMaker joins the folders "
                    "of all instances and does not say which is kept; put the host's name into the name."
                )
    found = {
        path.relative_to(folder).as_posix(): path for folder in folders.values() for path in folder.rglob("*")
    }
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as tar:
        for name, path in sorted(found.items(), key=lambda item: Path(item[0])):
            entry = tar.gettarinfo(path, arcname=name)
            entry.mtime = entry.uid = entry.gid = 0
            entry.uname = entry.gname = ""
            entry.mode = 0o755 if entry.isdir() else 0o644
            if entry.isfile():
                with path.open("rb") as content:
                    tar.addfile(entry, content)
            else:
                tar.addfile(entry)
    return gzip.compress(plain.getvalue(), compresslevel=6, mtime=0)
