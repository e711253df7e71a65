"""A provider that is called without the engine: its own store, and a context that raises for an error answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from pulumi.runtime.proto import provider_pb2

from rehearsal.providers import alicloud, azure_native, gcp
from rehearsal.providers.framework import CloudProvider
from rehearsal.providers.store import Store
from rehearsal.providers.wire import decode, encode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

CLOUDS = {"alicloud": alicloud.CLOUD, "gcp": gcp.CLOUD, "azure-native": azure_native.CLOUD}
CONFIG = {
    "alicloud": {"region": "cn-shanghai"},
    "gcp": {"project": "twain-test", "region": "europe-west4"},
    "azure-native": {"location": "francecentral", "subscriptionId": "00000000-0000-0000-0000-00000000000a"},
}


class Refused(Exception):  # noqa: N818 - it is an answer
    """What the engine would have been told."""


class Context:
    """Stands for gRPC's context."""

    def abort(self, _code: object, message: str) -> None:
        raise Refused(message)


@dataclass
class Caller:
    """One provider, configured, with the calls that the engine makes."""

    provider: CloudProvider
    store: Store
    context: Context

    def urn(self, token: str, name: str = "it", stack: str = "test.cn-sha-1.infra") -> str:
        return f"urn:pulumi:{stack}::twain::{token}::{name}"

    def check(self, token: str, inputs: Mapping[str, Any], name: str = "it") -> list[tuple[str, str]]:
        request = provider_pb2.CheckRequest(urn=self.urn(token, name), news=encode(inputs))
        answer = self.provider.Check(request, self.context)
        return [(failure.property, failure.reason) for failure in answer.failures]

    def create(
        self, token: str, inputs: Mapping[str, Any], name: str = "it", *, preview: bool = False
    ) -> tuple[str, dict[str, Any]]:
        request = provider_pb2.CreateRequest(urn=self.urn(token, name), properties=encode(inputs), preview=preview)
        answer = self.provider.Create(request, self.context)
        return answer.id, decode(answer.properties)

    def diff(self, token: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Any:
        request = provider_pb2.DiffRequest(urn=self.urn(token), old_inputs=encode(old), news=encode(new))
        return self.provider.Diff(request, self.context)

    def update(self, token: str, id_: str, inputs: Mapping[str, Any], name: str = "it") -> dict[str, Any]:
        request = provider_pb2.UpdateRequest(urn=self.urn(token, name), id=id_, news=encode(inputs))
        return decode(self.provider.Update(request, self.context).properties)

    def delete(self, token: str, id_: str, name: str = "it") -> None:
        self.provider.Delete(provider_pb2.DeleteRequest(urn=self.urn(token, name), id=id_), self.context)

    def read(self, token: str, id_: str) -> Any:
        return self.provider.Read(provider_pb2.ReadRequest(urn=self.urn(token), id=id_), self.context)


@pytest.fixture
def caller(tmp_path: Path) -> Callable[[str], Caller]:
    """Makes the provider of a cloud, on a world of its own."""

    def make(package: str) -> Caller:
        provider = CloudProvider(CLOUDS[package], world_dir=tmp_path / "cn")
        provider.Configure(provider_pb2.ConfigureRequest(args=encode(CONFIG[package])), Context())
        return Caller(provider=provider, store=Store.open(tmp_path / "cn"), context=Context())

    return make


@pytest.fixture
def refused() -> type[Refused]:
    """The exception that stands for an error answer."""
    return Refused
