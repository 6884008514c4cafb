"""A step's arguments, held to the request that they become, as far as they are literals.

CreatePipeline and UpdatePipeline refuse what could not be a request, before anything runs: an unknown member
(aws/sagemaker-python-sdk #3472), too many inputs (#2554), a map that is too long
(getindata/kedro-sagemaker #14).
"""

from collections.abc import Iterator
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from local_aws.core.errors import invalid
from local_aws.core.requests.validation import own_problems, service_model
from local_aws.services.pipelines.expressions import is_expression

__all__ = ["check_arguments"]

_UNREADABLE = "Unable to parse pipeline definition."
_NUMBERS = dict.fromkeys(("float", "double"), (int, float)) | dict.fromkeys(("integer", "long"), (int,))
_TYPES: dict[str, tuple[type, ...]] = {
    "structure": (dict,),
    "map": (dict,),
    "list": (list,),
    "string": (str,),
    "boolean": (bool,),
    **_NUMBERS,
}


def check_arguments(step: dict[str, Any], operation: str) -> None:
    """Refuse arguments that could not be a request of an operation, whatever the expressions become.

    Raises:
        AwsError: They are refused; the message names the step.
    """
    shape = service_model("sagemaker").operation_model(operation).input_shape
    own = f"{operation.removeprefix('Create')}Name"  # which Pipelines makes up
    problems = list(_problems(step["Arguments"], shape, "", optional=own))
    if problems:
        raise invalid(f"{_UNREADABLE} Step {step['Name']}: {'; '.join(problems)}")


def _problems(value: Any, shape: Shape, path: str, optional: str = "") -> Iterator[str]:
    if is_expression(value):
        return
    wanted = _TYPES.get(shape.type_name, (object,))
    if not isinstance(value, wanted) or (
        isinstance(value, bool) and bool not in wanted and object not in wanted
    ):
        yield f"{path} must be of type {shape.type_name}, not {value!r}"
        return
    yield from own_problems(value, shape, path)
    if isinstance(shape, StructureShape):
        yield from (f"Unknown Argument member '{name}'." for name in sorted(set(value) - set(shape.members)))
        missing = [name for name in shape.required_members if name not in value and name != optional]
        yield from (f"{path or 'Arguments'} has no {name}" for name in missing)
        for name, member in shape.members.items():
            if name in value:
                yield from _problems(value[name], member, f"{path}.{name}".lstrip("."))
    elif isinstance(shape, ListShape):
        for index, item in enumerate(value):
            yield from _problems(item, shape.member, f"{path}[{index}]")
    elif isinstance(shape, MapShape):
        for key, item in value.items():
            yield from own_problems(key, shape.key, f"key {key!r} of {path}")
            yield from _problems(item, shape.value, f"{path}[{key!r}]")
