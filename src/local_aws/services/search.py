"""Search over the records of SageMaker.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_Search.html
"""

import operator
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from local_aws.core.errors import invalid, not_emulated
from local_aws.core.requests.listing import page
from local_aws.core.requests.validation import service_model
from local_aws.core.store import Document, Store
from local_aws.services.tags import Tags

__all__ = ["Finder"]

# A resource, the kind of its records, and what its ARN is called.
_RESOURCES = {
    "Endpoint": ("endpoint", "EndpointArn"),
    "HyperParameterTuningJob": ("hyper-parameter-tuning-job", "HyperParameterTuningJobArn"),
    "ModelPackage": ("model-package", "ModelPackageArn"),
    "ModelPackageGroup": ("model-package-group", "ModelPackageGroupArn"),
    "Pipeline": ("pipeline", "PipelineArn"),
    "PipelineExecution": ("execution", "PipelineExecutionArn"),
    "TrainingJob": ("training-job", "TrainingJobArn"),
}
_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "GreaterThan": operator.gt,
    "GreaterThanOrEqualTo": operator.ge,
    "LessThan": operator.lt,
    "LessThanOrEqualTo": operator.le,
}
_NUMBERS = ("integer", "long", "float", "double")
_SIZE = 10  # records on a page, unless MaxResults says otherwise
_MOST = 50  # filters, nested filters and subexpressions together


class Finder:
    """The operation Search.

    Args:
        store: All records.
        tags: The resources' tags.
        describe: What a resource's description has beside its record, by resource.
    """

    def __init__(
        self, store: Store, tags: Tags, describe: Mapping[str, Callable[[Document], Document]]
    ) -> None:
        self._store, self._tags, self._describe = store, tags, describe

    def search(self, request: Document) -> Document:
        """Return the records that match an expression, by default the last modified first."""
        resource = request["Resource"]
        if resource not in _RESOURCES:
            raise not_emulated(f"Search of {resource}; it supports {', '.join(_RESOURCES)}")
        for field in ("CrossAccountFilterOption", "VisibilityConditions"):
            if request.get(field, "SameAccount") != "SameAccount":
                raise not_emulated(f"{field} of Search")
        record = service_model("sagemaker").shape_for("SearchRecord").members[resource]
        found = list(self._records(resource))
        if "SearchExpression" in request:
            _check_size(request["SearchExpression"])
            matches = _expression(request["SearchExpression"], record)
            found = [each for each in found if matches(each)]
        found = _sorted(found, request, record)
        chosen, following = page(found, request, _SIZE)
        total = {"Value": len(found), "Relation": "EqualTo"}
        return {"Results": [{resource: each} for each in chosen], "TotalHits": total, **following}

    def _records(self, resource: str) -> Iterator[Document]:
        kind, arn = _RESOURCES[resource]
        for document in self._store.list(kind):
            tags = [{"Key": key, "Value": value} for key, value in self._tags.of(document[arn]).items()]
            described = self._describe.get(resource, dict)(document)
            yield {"LastModifiedTime": document["CreationTime"], **described, "Tags": tags}


def _sorted(found: list[Document], request: Document, record: Shape) -> list[Document]:
    """Return records by the property of SortBy; those without it come last."""
    changes = "LastModifiedTime" in getattr(record, "members", {})
    by = request.get("SortBy", "LastModifiedTime" if changes else "CreationTime")
    if _kind(by, None, record) == "object":
        raise invalid(f"Cannot sort by {by}, which is neither text nor a number, a time or a Boolean.")
    values = [next(_values(each, by), None) for each in found]
    known = [(value, each) for value, each in zip(values, found, strict=True) if value is not None]
    known.sort(key=lambda pair: pair[0], reverse=request.get("SortOrder", "Descending") == "Descending")
    return [
        *(each for _, each in known),
        *(each for value, each in zip(values, found, strict=True) if value is None),
    ]


_Matches = Callable[[Document], bool]


def _expression(expression: Mapping[str, Any], record: Shape) -> _Matches:
    """Return whether a record matches an expression."""
    parts = [_filter(each, record) for each in expression.get("Filters", [])]
    parts += [_nested(each, record) for each in expression.get("NestedFilters", [])]
    parts += [_expression(each, record) for each in expression.get("SubExpressions", [])]
    if not parts:
        raise invalid("A SearchExpression needs at least one subexpression, filter, or nested filter.")
    combine = any if expression.get("Operator") == "Or" else all
    return lambda document: combine(part(document) for part in parts)


def _check_size(expression: Mapping[str, Any]) -> None:
    filters = list(_filters(expression))
    if sum(each.get("Operator") == "Contains" for each in filters) > 1:
        raise invalid("'CONTAINS' operator usage limit of 1 exceeded.")
    if len(filters) > _MOST:
        raise invalid(f"A SearchExpression can have at most {_MOST} filters.")


def _filters(expression: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from expression.get("Filters", [])
    for nested in expression.get("NestedFilters", []):
        yield from nested["Filters"]
    for inner in expression.get("SubExpressions", []):
        yield from _filters(inner)


def _nested(nested: Mapping[str, Any], record: Shape) -> _Matches:
    """Return whether one item of a list matches all filters."""
    name = nested["NestedPropertyName"]
    shape = _shape(name, record)
    if not isinstance(shape, ListShape):
        raise invalid(f"NestedPropertyName {name} is not a list.")
    for each in nested["Filters"]:
        if not each["Name"].startswith(f"{name}."):
            raise invalid(f"The filter {each['Name']} is not on a property of {name}.")
    inside = [
        _filter({**each, "Name": each["Name"].removeprefix(f"{name}.")}, shape.member)
        for each in nested["Filters"]
    ]
    return lambda document: any(
        all(matches(item) for matches in inside) for item in _values(document, name, whole=True)
    )


def _filter(wanted: Mapping[str, Any], record: Shape) -> _Matches:
    """Return whether a record matches a filter.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_Filter.html
    """
    name, text = wanted["Name"], wanted.get("Value")
    how = wanted.get("Operator", "Exists" if text is None else "Equals")
    kind = _kind(name, text, record)
    if how in ("Exists", "NotExists"):
        return lambda document: bool(list(_values(document, name))) == (how == "Exists")
    if text is None:
        raise invalid(f"The filter on {name} with the operator {how} needs a Value.")
    if how in _ORDERS and kind == "string":
        raise invalid(f"The operator {how} is not supported for the text property {name}.")
    if how in ("Contains", "In") and kind != "string":
        raise invalid(f"The operator {how} is only supported for text properties, and {name} is none.")

    def holds(value: Any) -> bool:
        if kind == "double" and not _is_number(str(value)):
            return False  # a hyperparameter that is a text in this record
        value = value if kind == "timestamp" else _typed(str(value), kind, name)
        if how == "Contains":
            return text in value
        if how == "In":
            return value in text.split(",")
        return _ORDERS.get(how, operator.eq)(value, asked)

    asked = _typed(text, kind, name)
    if how == "NotEquals":
        return lambda document: not any(holds(value) for value in _values(document, name))
    return lambda document: any(holds(value) for value in _values(document, name))


def _kind(name: str, text: str | None, record: Shape) -> str:
    """Return the type that a property is compared as."""
    first, _, _ = name.partition(".")
    if first == "Metrics" and "FinalMetricDataList" in getattr(record, "members", {}):
        return "double"
    if first == "HyperParameters":
        return "double" if text is not None and _is_number(text) else "string"
    shape = _shape(name, record)
    if isinstance(shape, StructureShape | ListShape | MapShape):
        return "object"
    return "double" if shape.type_name in _NUMBERS else shape.type_name


def _shape(name: str, record: Shape) -> Shape:
    """Return the shape of a property.

    Raises:
        AwsError: The resource has no such property.
    """
    first, _, rest = name.partition(".")
    members = getattr(record, "members", {})
    if first == "Tags" and rest and "Tags" in members:
        return members["Tags"].member.members["Value"]
    shape: Shape | None = record
    for part in name.split("."):
        while isinstance(shape, ListShape):
            shape = shape.member
        shape = shape.value if isinstance(shape, MapShape) else getattr(shape, "members", {}).get(part)
        if shape is None:
            raise invalid(f"Unknown property name: {name}")
    return shape


def _values(document: Document, name: str, whole: bool = False) -> Iterator[Any]:
    """Yield a property's values: none if it is absent, several if it is inside a list."""
    first, _, rest = name.partition(".")
    if first == "Metrics":
        metrics = document.get("FinalMetricDataList", [])
        yield from (each["Value"] for each in metrics if each["MetricName"] == rest)
        return
    if first == "Tags" and rest:
        yield from (each["Value"] for each in document["Tags"] if each["Key"] == rest)
        return
    value = document.get(first)
    if first == "HyperParameters" and rest:
        value, rest = (value or {}).get(rest), ""
    items = value if isinstance(value, list) and (rest or whole) else [value]
    for item in items:
        if rest and isinstance(item, dict):
            yield from _values(item, rest, whole)
        elif not rest and item is not None:
            yield item


def _typed(text: str, kind: str, name: str) -> Any:
    if kind == "double":
        if not _is_number(text):
            raise invalid(f"The value {text!r} of {name} is not a number.")
        return float(text)
    if kind == "boolean":
        return text.lower() == "true"
    if kind == "timestamp":
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise invalid(
                f"The value {text!r} of {name} is not a time such as 2026-01-31T12:00:00."
            ) from None
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
