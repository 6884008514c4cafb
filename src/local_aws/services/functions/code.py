"""The code of functions that clients create: a zip, as `CreateFunction` and `UpdateFunctionCode` take it."""

import base64
import binascii
import hashlib
import io
import json
import shutil
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

from local_aws.core.errors import AwsError, not_emulated
from local_aws.core.requests.validation import validate
from local_aws.core.store import Document

__all__ = ["check_environment", "checked", "unpack", "zip_of"]

_UNEMULATED = ("DeadLetterConfig", "FileSystemConfigs", "ImageConfig", "Layers", "SnapStart", "TracingConfig")
_NO_ZIP = "Could not unzip uploaded file. Please check your file, then try to upload again."
_TIMEOUT, _MEGABYTES = 3, 128  # AWS's defaults
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
_LONGEST = 900  # seconds
_LONGEST_NAME = 64
_MOST_ENVIRONMENT = 4096  # bytes of all variables together, as JSON
_MOST_UPLOADED, _MOST_UNPACKED = 50 * 2**20, 250 * 2**20  # bytes of a zip in a request, and of what is in it
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
_RESERVED = {
    "_HANDLER",
    "_X_AMZN_TRACE_ID",
    "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_DEFAULT_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "LAMBDA_RUNTIME_DIR",
    "LAMBDA_TASK_ROOT",
}


def checked(operation: str, request: Document) -> Document:
    """Return a request with its defaults, if AWS would accept it and it is emulated.

    Raises:
        AwsError: It is refused.
    """
    code = request.get("Code", request)
    if isinstance(code, dict) and isinstance(code.get("ZipFile"), str):
        try:
            code["ZipFile"] = base64.b64decode(code["ZipFile"], validate=True)
        except binascii.Error:
            raise _invalid(_NO_ZIP) from None
    try:
        validate("lambda", operation, request)
    except AwsError as error:
        raise _invalid(error.message) from None
    if request.get("Timeout", _TIMEOUT) > _LONGEST:
        raise _invalid(f"Timeout must have value less than or equal to {_LONGEST}.")
    if len(request["FunctionName"].rsplit(":", 1)[-1]) > _LONGEST_NAME:
        raise _invalid(f"The function's name must have length less than or equal to {_LONGEST_NAME}.")
    if len(code.get("ZipFile", b"")) > _MOST_UPLOADED:
        raise AwsError(
            "RequestEntityTooLargeException", f"A zip in a request has at most {_MOST_UPLOADED} bytes.", 413
        )
    for field in _UNEMULATED:
        if request.get(field):
            raise not_emulated(f"{field} of a function")
    if request.get("PackageType", "Zip") != "Zip" or "ImageUri" in code:
        raise not_emulated("functions from an image")
    if operation == "CreateFunction" and not request.get("Runtime", "").startswith("python"):
        raise not_emulated(
            f"the runtime {request.get('Runtime')}; it supports Python, which is this machine's"
        )
    if operation == "CreateFunction" and not request.get("Handler"):
        raise _invalid("Runtime and Handler are mandatory parameters for functions with deployment packages.")
    return {"Timeout": _TIMEOUT, "MemorySize": _MEGABYTES, **request}


def check_environment(variables: Mapping[str, str]) -> None:
    """Refuse variables that are Lambda's own, or that are too long together.

    Raises:
        AwsError: They are refused.
    """
    if reserved := sorted(_RESERVED & variables.keys()):
        raise _invalid(
            "Lambda was unable to configure your environment variables because the environment variables "
            "you have provided contains reserved keys that are currently not supported for modification. "
            f"Reserved keys used in this request: {', '.join(reserved)}"
        )
    measured = json.dumps(variables, ensure_ascii=False, separators=(",", ":"))
    if len(measured.encode()) > _MOST_ENVIRONMENT:
        raise _invalid(
            "Lambda was unable to configure your environment variables because the environment variables "
            f"you have provided exceeded the 4KB limit. String measured: {measured[:200]}..."
        )


def zip_of(code: Document, read_object: Callable[[str], bytes]) -> bytes:
    """Return the zip that a request contains, or names on S3."""
    if "ZipFile" in code:
        return code["ZipFile"]
    if not (code.get("S3Bucket") and code.get("S3Key")):
        raise _invalid("Please provide a source for function code.")
    return read_object(f"s3://{code['S3Bucket']}/{code['S3Key']}")


def unpack(content: bytes, place: Path) -> str:
    """Unpack a zip into a folder of its own; return the folder's name, which is the zip's SHA-256."""
    name = hashlib.sha256(content).hexdigest()
    unpacked = place / f"{name}.unpacking"
    shutil.rmtree(unpacked, ignore_errors=True)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > _MOST_UNPACKED:
                raise _invalid(f"Unzipped size must be smaller than {_MOST_UNPACKED} bytes.")
            archive.extractall(unpacked)  # which stays within the folder, whatever the names are
    except zipfile.BadZipFile:
        raise _invalid(_NO_ZIP) from None
    shutil.rmtree(place / name, ignore_errors=True)
    unpacked.rename(place / name)
    return name


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidParameterValueException", message, Type="User")
