"""Stands in for Terraform's providers where no registry can be reached: true schemas, no cloud.

Terraform finds it by TF_REATTACH_PROVIDERS and speaks its plugin protocol (version 6) to it. Checked are
names of arguments, required ones, nesting, types and references; plans and applies succeed, and what the
cloud would compute is invented. Not checked are enumerations, exclusive arguments, ranges, and whether AWS
would accept the request.
"""

import gzip
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from concurrent import futures
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import msgpack
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

__all__ = ["APPLIED", "ROLLED_BACK", "environment"]

HERE = Path(__file__).parent
SCHEMAS = {"aws": "aws-6.66.0.schema.json.gz", "archive": "archive-2.schema.json.gz"}
PROTOCOL = "tfplugin6"
UNKNOWN = msgpack.ExtType(0, b"\x00")  # a value that is known after apply
KNOWN = {
    "account_id": "123456789012",
    "registry_id": "210987654321",
    "partition": "aws",
    "dns_suffix": "amazonaws.com",
}
# What has been applied, as (type, action), and types whose update AWS rolls back without a word.
APPLIED: list[tuple[str, str]] = []
ROLLED_BACK: set[str] = set()
# A change of these is a replacement; a schema does not say so.
IDENTITIES = ("bucket", "function_name", "name", "pipeline_name")
FLAGS = ("required", "optional", "computed", "sensitive")

_pool = descriptor_pool.DescriptorPool()
_pool.Add(
    descriptor_pb2.FileDescriptorProto.FromString(
        gzip.decompress((HERE / "tfplugin6.descriptor.gz").read_bytes())
    )
)


@contextmanager
def environment() -> Iterator[dict[str, str]]:
    """Serve all providers for as long as this lasts; yields the variables by which Terraform finds them."""
    with tempfile.TemporaryDirectory() as folder:
        servers, reattach = [], {}
        for name, file in SCHEMAS.items():
            provider = _Provider(json.loads(gzip.decompress((HERE / file).read_bytes()))["schema"])
            server = grpc.server(
                futures.ThreadPoolExecutor(10), options=[("grpc.max_receive_message_length", -1)]
            )
            server.add_generic_rpc_handlers([_handlers(provider)])
            address = f"{folder}/{name}.sock"
            server.add_insecure_port(f"unix://{address}")
            server.start()
            servers.append(server)
            reattach[f"registry.terraform.io/hashicorp/{name}"] = {
                "Protocol": "grpc",
                "ProtocolVersion": 6,
                "Pid": os.getpid(),
                "Test": True,  # Terraform must not stop this process
                "Addr": {"Network": "unix", "String": address},
            }
        try:
            yield {"TF_REATTACH_PROVIDERS": json.dumps(reattach)}
        finally:
            for server in servers:
                server.stop(0)


class _Provider:
    """One method for each call of the protocol that has something to answer; the others answer nothing."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self.schema = schema

    def GetProviderSchema(self, request: Any) -> dict[str, Any]:
        kinds = ("resource_schemas", "data_source_schemas")
        return {
            "provider": _to_schema(self.schema["provider"]),
            "server_capabilities": {"get_provider_schema_optional": True},
            **{kind: {name: _to_schema(s) for name, s in self.schema[kind].items()} for kind in kinds},
        }

    def UpgradeResourceState(self, request: Any) -> dict[str, Any]:
        return {"upgraded_state": _pack(json.loads(request.raw_state.json))}

    def ReadResource(self, request: Any) -> dict[str, Any]:
        return {"new_state": request.current_state}

    def PlanResourceChange(self, request: Any) -> dict[str, Any]:
        old, new = _unpack(request.prior_state), _unpack(request.proposed_new_state)
        if new not in (None, old):  # also in a block that is new to a resource that there is
            new = _fill(self._block("resource_schemas", request), new, lambda name, kind: UNKNOWN)
        renamed = [name for name in IDENTITIES if old and new and old.get(name) != new.get(name)]
        replace = [{"steps": [{"attribute_name": name}]} for name in renamed]
        return {"planned_state": _pack(new), "requires_replace": replace}

    def ApplyResourceChange(self, request: Any) -> dict[str, Any]:
        old, new = _unpack(request.prior_state), _unpack(request.planned_state)
        APPLIED.append((request.type_name, "delete" if new is None else "update" if old else "create"))
        if new is not None:
            new = _fill(self._block("resource_schemas", request), new, _inventor(request.type_name))
        if old and new and request.type_name in ROLLED_BACK:
            new = old
        # As the real provider says: what it reads back may differ from what was planned.
        return {"new_state": _pack(new), "legacy_type_system": True}

    def ReadDataSource(self, request: Any) -> dict[str, Any]:
        block = self._block("data_source_schemas", request)
        return {"state": _pack(_fill(block, _unpack(request.config), _inventor(request.type_name)))}

    def _block(self, kind: str, request: Any) -> dict[str, Any]:
        return self.schema[kind][request.type_name]["block"]


def _handlers(provider: _Provider) -> Any:
    service = _pool.FindServiceByName(f"{PROTOCOL}.Provider")
    methods = {}
    for method in service.methods:
        ask, answer = (message_factory.GetMessageClass(t) for t in (method.input_type, method.output_type))

        def call(request: Any, context: Any, name: str = method.name, answer: Any = answer) -> Any:
            handler = getattr(provider, name, None)
            return answer(**(handler(request) if handler else {}))

        methods[method.name] = grpc.unary_unary_rpc_method_handler(
            call, request_deserializer=ask.FromString, response_serializer=answer.SerializeToString
        )
    return grpc.method_handlers_generic_handler(service.full_name, methods)


def _unpack(value: Any) -> Any:
    if value.json:
        return json.loads(value.json)
    return msgpack.unpackb(value.msgpack) if value.msgpack else None


def _pack(value: Any) -> dict[str, bytes]:
    return {} if value is None else {"msgpack": msgpack.packb(value)}


def _to_schema(schema: dict[str, Any]) -> dict[str, Any]:
    return {"version": schema.get("version", 0), "block": _to_block(schema.get("block", {}))}


def _to_block(block: dict[str, Any]) -> dict[str, Any]:
    return {
        "attributes": [
            {
                "name": name,
                "type": json.dumps(attribute["type"]).encode(),
                **{flag: attribute[flag] for flag in FLAGS if attribute.get(flag)},
            }
            for name, attribute in block.get("attributes", {}).items()
        ],
        "block_types": [
            {
                "type_name": name,
                "block": _to_block(child["block"]),
                "nesting": child["nesting_mode"].upper(),
                "min_items": child.get("min_items", 0),
                "max_items": child.get("max_items", 0),
            }
            for name, child in block.get("block_types", {}).items()
        ],
    }


def _fill(block: dict[str, Any], state: Any, value: Callable[[str, Any], Any]) -> Any:
    """Give every computed attribute that the configuration leaves open what ``value(name, type)`` returns."""
    if not isinstance(state, dict):
        return state
    filled = dict(state)
    for name, attribute in block.get("attributes", {}).items():
        if attribute.get("computed") and filled.get(name) in (None, UNKNOWN):
            filled[name] = value(name, attribute["type"])
    for name, child in block.get("block_types", {}).items():
        found = filled.get(name)
        if isinstance(found, list):
            filled[name] = [_fill(child["block"], item, value) for item in found]
        elif isinstance(found, dict):
            filled[name] = _fill(child["block"], found, value)
    return filled


def _inventor(resource: str) -> Callable[[str, Any], Any]:
    """Make values for what the cloud would compute."""

    def invent(name: str, kind: Any) -> Any:
        if name in KNOWN:
            return KNOWN[name]
        if kind == "string":
            arn = f"arn:aws:mock:us-east-1:{KNOWN['account_id']}:{resource}"
            return arn if name.endswith("arn") else f"mock-{name}"
        if kind in ("number", "bool"):
            return {"number": 0, "bool": False}[kind]
        if isinstance(kind, list) and kind[0] == "object":
            return {key: invent(key, sub) for key, sub in kind[1].items()}
        return {} if kind[0] == "map" else []

    return invent
