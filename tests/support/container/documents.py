"""Whether a JSON document is what its TypedDict says."""

from types import NoneType, UnionType
from typing import Any, Literal, NotRequired, Union, get_args, get_origin, get_type_hints, is_typeddict


def faults(value: Any, kind: Any, where: str = "") -> list[str]:
    """Where a value of a JSON file is not what a TypedDict says."""
    origin, inner = get_origin(kind), get_args(kind)
    if kind is Any:
        return []
    if origin is NotRequired:
        return faults(value, inner[0], where)
    if is_typeddict(kind):
        if not isinstance(value, dict):
            return [f"{where} is no object"]
        hints = get_type_hints(kind)
        found = [f"{where}.{name} is missing" for name in sorted(kind.__required_keys__ - value.keys())]
        found += [f"{where}.{name} is unknown" for name in sorted(value.keys() - hints.keys())]
        return found + [
            fault
            for name in value.keys() & hints.keys()
            for fault in faults(value[name], hints[name], f"{where}.{name}")
        ]
    if origin in (Union, UnionType):
        by_kind = [faults(value, one, where) for one in inner]
        return [] if [] in by_kind else [f"{where} is {value!r}"]
    if origin is Literal:
        return [] if value in inner else [f"{where} is {value!r}"]
    if origin is list:
        if not isinstance(value, list):
            return [f"{where} is no list"]
        return [fault for one in value for fault in faults(one, inner[0], f"{where}[]")]
    if origin is dict:
        if not isinstance(value, dict):
            return [f"{where} is no object"]
        return [fault for name, one in value.items() for fault in faults(one, inner[1], f"{where}[{name}]")]
    kinds = {float: (float, int), NoneType: NoneType}.get(kind, kind)
    return [] if isinstance(value, kinds) else [f"{where} is {value!r}"]
