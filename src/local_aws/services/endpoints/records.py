"""The records of models, endpoint configurations and endpoints."""

import time
from typing import Any

from local_aws.core.account import Account
from local_aws.core.errors import invalid
from local_aws.core.requests.listing import listing
from local_aws.core.store import Document, Store

__all__ = ["CONFIGURATION", "ENDPOINT", "MADE_OF", "MODEL", "Records"]

# The kind of a record, as in ARNs, and its noun, as in the names of fields.
MODEL = ("model", "Model")
CONFIGURATION = ("endpoint-config", "EndpointConfig")
ENDPOINT = ("endpoint", "Endpoint")
# A field of the record of an endpoint in service, which AWS does not describe: after a restart, it serves
# though its configuration was deleted.
MADE_OF = "MadeOf"
_Kind = tuple[str, str]


class Records:
    """Models, configurations and endpoints by name."""

    def __init__(self, account: Account, store: Store) -> None:
        self._account, self._store = account, store

    def create(self, of: _Kind, request: Document, **fields: Any) -> Document:
        """Record a request; return the answer with the ARN.

        Raises:
            AwsError: The name is taken.
        """
        kind, noun = of
        name, now = request[f"{noun}Name"], time.time()
        arn = self.arn(of, name)
        document = {**request, f"{noun}Arn": arn, "CreationTime": now, "LastModifiedTime": now, **fields}
        if not self._store.add(kind, name, document):
            raise invalid(f"Cannot create already existing {kind} {arn!r}.")
        return {f"{noun}Arn": arn}

    def find(self, of: _Kind, name: str) -> Document:
        """Return a record.

        Raises:
            AwsError: There is none.
        """
        kind, noun = of
        document = self._store.find(kind, name)
        if document is None:
            raise invalid(f"Could not find {noun[0].lower()}{noun[1:]} {self.arn(of, name)!r}.")
        return document

    def delete(self, of: _Kind, name: str) -> Document:
        """Delete a record; return the empty answer.

        Raises:
            AwsError: There is none.
        """
        self.find(of, name)
        self._store.delete(of[0], name)
        self._store.delete("tags", self.arn(of, name))
        return {}

    def listed(self, of: _Kind, key: str, request: Document) -> Document:
        """Answer a List operation."""
        kind, noun = of
        items = self._store.list(kind)
        chosen, following = listing(items, request, name=f"{noun}Name", status=f"{noun}Status")
        return {key: chosen, **following}

    def variant(self, configuration: str) -> Document:
        """Return the variant of a configuration."""
        return self.find(CONFIGURATION, configuration)["ProductionVariants"][0]

    def model(self, configuration: str) -> Document:
        """Return the model of a configuration."""
        return self.find(MODEL, self.variant(configuration)["ModelName"])

    def made_of(self, configuration: str) -> Document:
        """Return what an endpoint of a configuration is made of: its variant and its model."""
        return {"Variant": self.variant(configuration), "Model": self.model(configuration)}

    def arn(self, of: _Kind, name: str) -> str:
        """Return the ARN of a record, whether it exists or not."""
        return self._account.arn("sagemaker", f"{of[0]}/{name.lower()}")
