"""Runs a program of `stacks/` without an engine, on the emulated clouds: each registration is checked and created.

The providers are those of the rehearsal, called as the engine calls them: inputs in the engine's wire form, resources
in the order of their dependencies, because an input that comes from another resource is only known once that one was
answered. A refusal fails the run and tells every reason. What no cloud does by itself is left to the integration tier:
no control plane is started, its address is made up.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from pulumi.runtime.proto import provider_pb2

from rehearsal.kube import controlplane
from rehearsal.providers import alicloud, azure_native, gcp
from rehearsal.providers.framework import CloudProvider
from rehearsal.providers.wire import decode, encode, reveal
from tests.recorder import PEM, Recorder

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pulumi.runtime import mocks

CLOUDS = {"alicloud": alicloud.CLOUD, "gcp": gcp.CLOUD, "azure-native": azure_native.CLOUD}
ENDPOINT = "https://127.0.0.1:6443"

_ONE_AT_A_TIME = threading.Lock()


class RefusedError(AssertionError):
    """What the engine would have shown to the user."""


class _Context:
    """Stands for gRPC's context."""

    def abort(self, _code: object, message: str) -> None:
        raise RefusedError(message)


@dataclass
class Emulated(Recorder):
    """The recorder, answered by the emulated clouds of a world that lies in `world_dir`."""

    world_dir: Path = field(kw_only=True)
    stack: str = field(kw_only=True)
    providers: dict[str, CloudProvider] = field(default_factory=dict)

    def answer(self, args: mocks.MockResourceArgs, inputs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        if args.typ.startswith("pulumi:providers:"):
            self._configure(args.typ.rpartition(":")[2], args.name, inputs)
            return args.name, {}
        if args.typ.partition(":")[0] not in CLOUDS:
            return super().answer(args, inputs)
        return self._created(self.providers[_name(args.provider)], args.typ, args.name, inputs)

    def _configure(self, package: str, name: str, inputs: Mapping[str, Any]) -> None:
        provider = CloudProvider(CLOUDS[package], world_dir=self.world_dir)
        # Configuration travels as strings; what is none is written as JSON.
        config = encode({key: one if isinstance(one, str) else json.dumps(one) for key, one in inputs.items()})
        checked = provider.CheckConfig(provider_pb2.CheckRequest(news=config), _Context())
        _refuse(f"provider {name}", checked.failures)
        provider.Configure(provider_pb2.ConfigureRequest(args=config), _Context())
        self.providers[name] = provider

    def _created(
        self, provider: CloudProvider, token: str, name: str, inputs: Mapping[str, Any]
    ) -> tuple[str, dict[str, Any]]:
        urn = f"urn:pulumi:{self.stack}::twain::{token}::{name}"
        checked = provider.Check(provider_pb2.CheckRequest(urn=urn, news=encode(inputs)), _Context())
        _refuse(f"{token} {name}", checked.failures)
        with (
            # Resources are made on several threads; of two that overlap the first to end would put the real one back.
            _ONE_AT_A_TIME,
            patch.object(controlplane, "ensure", _no_control_plane),
            patch.object(controlplane, "bring", lambda _world_dir, **_facts: None),
        ):
            made = provider.Create(provider_pb2.CreateRequest(urn=urn, properties=checked.inputs), _Context())
        # The answer is what a later run reads again, not only what creation said.
        read = provider.Read(
            provider_pb2.ReadRequest(urn=urn, id=made.id, inputs=checked.inputs, properties=made.properties), _Context()
        )
        outputs = reveal(decode(made.properties))
        if (read.id, reveal(decode(read.properties))) != (made.id, outputs):
            message = f"{token} {name} is not read as it was created"
            raise RefusedError(message)
        return made.id, outputs


def _no_control_plane(_world_dir: Path, **_facts: object) -> controlplane.ControlPlane:
    return controlplane.ControlPlane(endpoint=ENDPOINT, ca_pem=PEM)


def _name(reference: str | None) -> str:
    """`cloud` of `urn:pulumi:…::cloud::ID`. Every resource names its provider: the guard sees to it."""
    assert reference is not None
    return reference.split("::")[3]


def _refuse(what: str, found: Any) -> None:
    if found:
        message = f"{what}: " + "; ".join(f"{one.property} {one.reason}" for one in found)
        raise RefusedError(message)
