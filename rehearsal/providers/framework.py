"""The provider process: the engine's resource protocol over a cloud's closed table of types."""

# ruff: noqa: N802 - the methods carry the names of the engine's protocol
from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, Any, Final

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from components.rules.model import top
from rehearsal import killpoints
from rehearsal.providers.diff import detailed_diff
from rehearsal.providers.model import Call, Cloud, CloudRefusalError, Made, TypeSpec
from rehearsal.providers.sdktypes import Problem, SdkTypes, TypeTable
from rehearsal.providers.shaping import echoed, failures, references, sealed, short_name, without
from rehearsal.providers.store import NameTakenError, Resource, Store
from rehearsal.providers.wire import decode, encode, holds_unknown, merged, reveal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

_THROTTLE_ATTEMPTS: Final = 5
_THROTTLE_BACKOFF_S: Final = 0.05
_HANG_S: Final = 600.0
_CRASH_STATUS: Final = 17
# What a cloud says about a resource's birth; an update does not change it.
_BIRTH: Final = (
    "createTime",
    "createdDate",
    "createdOn",
    "creationDate",
    "creationTime",
    "creationTimestamp",
    "systemData",
)


class CloudProvider(provider_pb2_grpc.ResourceProviderServicer):
    """Serves one emulated cloud of one world. Every method may run in any of the server's threads."""

    def __init__(self, cloud: Cloud, *, world_dir: Path, sdk: SdkTypes | None = None) -> None:
        self._cloud = cloud
        self._world_dir = world_dir
        self._sdk = sdk or SdkTypes(cloud.package)
        self._config: dict[str, Any] = {}
        self._local = threading.local()
        self._planned: frozenset[tuple[str, str]] = frozenset()
        self.cancelled = threading.Event()

    # The plugin itself

    def Handshake(self, request: Any, context: Any) -> Any:
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True, accept_resources=False, accept_outputs=False)

    def Attach(self, request: Any, context: Any) -> Any:
        return empty_pb2.Empty()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        return plugin_pb2.PluginInfo(version=self._sdk.version)

    def GetMapping(self, request: Any, context: Any) -> Any:
        return provider_pb2.GetMappingResponse()

    def GetMappings(self, request: Any, context: Any) -> Any:
        return provider_pb2.GetMappingsResponse()

    def GetSchema(self, request: Any, context: Any) -> Any:
        return provider_pb2.GetSchemaResponse(schema="{}")

    def Cancel(self, request: Any, context: Any) -> Any:
        """Let waits end; what is recorded as begun is adopted by the next run."""
        self.cancelled.set()
        return empty_pb2.Empty()

    def Invoke(self, request: Any, context: Any) -> Any:
        message = (
            f"the rehearsal answers no look-up ({request.tok}): programs hold none, facts come from the cell lock file"
        )
        context.abort(grpc.StatusCode.UNIMPLEMENTED, message)

    # Configuration

    def CheckConfig(self, request: Any, context: Any) -> Any:
        config = reveal(decode(request.news))
        problems = [*self._config_names(config), *self._cloud.check_config(config)]
        return provider_pb2.CheckResponse(inputs=request.news, failures=failures(problems))

    def DiffConfig(self, request: Any, context: Any) -> Any:
        old, new = reveal(decode(request.old_inputs or request.olds)), reveal(decode(request.news))
        # Another account or region is another world: nothing of the old one can be updated into it.
        moving = frozenset({"region", "project", "subscriptionId", "tenantId"})
        return detailed_diff(old, new, immutable=moving)

    def Configure(self, request: Any, context: Any) -> Any:
        self._config = reveal(decode(request.args))
        return provider_pb2.ConfigureResponse(
            acceptSecrets=True, supportsPreview=True, acceptResources=False, acceptOutputs=False
        )

    # Resources

    def Check(self, request: Any, context: Any) -> Any:
        spec, table = self._spec(request.urn, context)
        call = self._call(spec, request.urn, decode(request.news))
        problems = list(self._violations(spec, table, call))
        return provider_pb2.CheckResponse(inputs=request.news, failures=failures(problems))

    def Diff(self, request: Any, context: Any) -> Any:
        spec, _table = self._spec(request.urn, context)
        old, new = reveal(decode(request.old_inputs)), reveal(decode(request.news))
        return detailed_diff(old, new, immutable=spec.replacing)

    def Create(self, request: Any, context: Any) -> Any:
        spec, table = self._spec(request.urn, context)
        inputs = decode(request.properties)
        call = self._call(spec, request.urn, inputs)
        if request.preview:
            self._plan(spec, call)
            return provider_pb2.CreateResponse(
                id="", properties=encode(self._preview_outputs(spec, table, call, inputs))
            )
        try:
            id_, outputs = self._create(spec, table, call)
        except (CloudRefusalError, NameTakenError) as error:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))
            raise
        return provider_pb2.CreateResponse(id=id_, properties=encode(sealed(outputs, inputs, table)))

    def Read(self, request: Any, context: Any) -> Any:
        spec, table = self._spec(request.urn, context)
        self._faults("read", spec, self._call(spec, request.urn, {}))
        found = self._store.get_resource(request.id, type=spec.type_name)
        if found is None:
            # An empty id tells the engine that the resource is gone.
            return provider_pb2.ReadResponse()
        try:
            # What is merely not visible yet must never be told as gone: the engine would forget it.
            self._find("read", found.name, [found])
        except CloudRefusalError as error:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))
            raise
        old = decode(request.inputs)
        return provider_pb2.ReadResponse(
            id=found.id,
            properties=encode(sealed(dict(found.outputs), old, table)),
            inputs=encode(sealed(dict(found.inputs), old, table)),
        )

    def Update(self, request: Any, context: Any) -> Any:
        spec, table = self._spec(request.urn, context)
        inputs = decode(request.news)
        call = self._call(spec, request.urn, inputs)
        old = decode(request.olds)
        if request.preview:
            known = merged(reveal(old), echoed(call.inputs, table))
            return provider_pb2.UpdateResponse(properties=encode(sealed(known, inputs, table)))
        try:
            outputs = self._update(spec, table, call, request.id)
        except CloudRefusalError as error:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))
            raise
        return provider_pb2.UpdateResponse(properties=encode(sealed(outputs, inputs, table)))

    def Delete(self, request: Any, context: Any) -> Any:
        spec, _table = self._spec(request.urn, context)
        found = self._store.get_resource(request.id, type=spec.type_name)
        if found is None:
            return empty_pb2.Empty()
        call = self._call(spec, request.urn, dict(found.inputs))
        try:
            self._faults("delete", spec, call)
            self._cloud.refuse_delete(found, call)
            self._refuse_while_needed(spec, found)
            spec.removal(found, call)
        except CloudRefusalError as error:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))
            raise
        self._store.remove_pools(resource=found.id)
        self._store.delete_resource(spec.type_name, found.id)
        return empty_pb2.Empty()

    # How

    @property
    def _store(self) -> Store:
        if not hasattr(self._local, "store"):
            self._local.store = Store.open(self._world_dir)
        return self._local.store

    def _spec(self, urn: str, context: Any) -> tuple[TypeSpec, TypeTable]:
        token = urn.split("::")[2].split("$")[-1]
        spec = self._cloud.types.get(token)
        if spec is None:
            known = ", ".join(sorted(short_name(name) for name in self._cloud.types))
            message = f"the rehearsal's {self._cloud.package} does not know the type {token}; it knows: {known}"
            context.abort(grpc.StatusCode.UNIMPLEMENTED, message)
            raise AssertionError(message)
        return spec, self._sdk.table(token)

    def _call(self, spec: TypeSpec, urn: str, inputs: Mapping[str, Any]) -> Call:
        return Call(
            type_name=spec.type_name,
            urn=urn,
            inputs=reveal(dict(inputs)),
            config=self._config,
            store=self._store,
            world_dir=self._world_dir,
            planned=self._planned,
        )

    def _config_names(self, config: Mapping[str, Any]) -> Iterator[Problem]:
        table = self._sdk.table(f"pulumi:providers:{self._cloud.package}")
        # Only names: provider configuration travels as strings, whatever its type is.
        known = {name: value for name, value in config.items() if name not in ("version", "pluginDownloadURL")}
        return (problem for problem in table.check_inputs(known) if "is no property" in problem.reason)

    def _violations(self, spec: TypeSpec, table: TypeTable, call: Call) -> Iterator[Problem]:
        typed = table.check_inputs(call.inputs)
        yield from typed
        # Rules read nested values, so they only see what has the declared shape.
        wrong = {top(problem.path) for problem in typed}
        shaped = call if not wrong else without(call, wrong)
        for rule in (*spec.declared.all_rules, *spec.rules):
            yield from (problem for problem in rule(shaped) if top(problem.path) not in wrong)
        for path, type_ in spec.parents:
            yield from self._missing_parent(shaped, path, type_)

    def _plan(self, spec: TypeSpec, call: Call) -> None:
        """Remember what this run will create, so that a preview's later resources may name it."""
        names = [call.text(spec.name)] if spec.name else []
        values = (*names, *spec.planned(call).values())
        self._planned |= {(spec.type_name, value.lower()) for value in values if isinstance(value, str)}

    def _missing_parent(self, call: Call, path: str, type_: str) -> Iterator[Problem]:
        for shown_path, value in references(call, path):
            if not call.will_exist(type_, value) and self._cloud.resolve(call, type_, value) is None:
                kind = type_.rsplit(":", 1)[-1]
                yield Problem(shown_path, f"names {value!r}, and there is no such {kind} in this account")

    def _parents(self, spec: TypeSpec, call: Call) -> list[Resource]:
        found: list[Resource] = []
        for path, type_ in spec.parents:
            for _shown, value in references(call, path):
                parent = self._cloud.resolve(call, type_, value)
                if parent is not None:
                    found.append(parent)
        return found

    def _preview_outputs(
        self, spec: TypeSpec, table: TypeTable, call: Call, inputs: Mapping[str, Any]
    ) -> dict[str, Any]:
        # A property that is left out is unknown to the program, which is the truth for everything that the cloud
        # will add.
        # Inside an object it must be said: a field that is merely absent would read as None.
        shown = {
            name: table.with_unknowns(value, table.outputs[name]) for name, value in echoed(call.inputs, table).items()
        }
        return sealed(shown | spec.planned(call), inputs, table)

    def _create(self, spec: TypeSpec, table: TypeTable, call: Call) -> tuple[str, dict[str, Any]]:
        if holds_unknown(dict(call.inputs)):
            message = f"{call.urn}: an input is not known, so nothing can be created"
            raise CloudRefusalError(message)
        self._faults("create", spec, call)
        parents = self._parents(spec, call)
        self._find("create", call.text(spec.name) or call.urn.rsplit("::", 1)[-1], parents)
        made = spec.make(call)
        row, adopted = self._store.begin_create(self._row(spec, call, made, parents))
        self._crash_if_asked("crash-before", spec, call)
        killpoints.at_create(call.urn, "before")
        if adopted and row.state == "live":
            self._refuse_other_place(spec, row, call)
        try:
            outputs = self._outputs(spec, table, call, row)
        except CloudRefusalError:
            self._store.abandon_create(spec.type_name, row.id)
            raise
        self._store.finish_create(spec.type_name, row.id, inputs=call.inputs, outputs=outputs)
        self._crash_if_asked("crash-between", spec, call)
        killpoints.at_create(call.urn, "after")
        self._hang_if_asked(spec, call)
        return row.id, outputs

    def _update(self, spec: TypeSpec, table: TypeTable, call: Call, id_: str) -> dict[str, Any]:
        self._faults("update", spec, call)
        found = self._store.get_resource(id_, type=spec.type_name)
        if found is None:
            message = f"{id_} is gone: somebody deleted it outside this stack; run pulumi refresh"
            raise CloudRefusalError(message)
        outputs = self._outputs(spec, table, call, found)
        outputs |= {name: found.outputs[name] for name in _BIRTH if name in found.outputs}
        self._store.update_resource(spec.type_name, id_, inputs=call.inputs, outputs=outputs)
        return outputs

    def _outputs(self, spec: TypeSpec, table: TypeTable, call: Call, row: Resource) -> dict[str, Any]:
        added = spec.outputs(call, row.id) | spec.effect(call, row)
        problems = table.check_outputs(added)
        if problems:
            listed = "; ".join(f"{problem.path} {problem.reason}" for problem in problems)
            message = f"the rehearsal's own {spec.type_name} has outputs that the SDK does not: {listed}"
            raise AssertionError(message)
        for pool in spec.pools(call, row.id):
            self._store.put_pool(pool)
        return echoed(call.inputs, table) | added

    def _row(self, spec: TypeSpec, call: Call, made: Made, parents: Sequence[Resource]) -> Resource:
        cell = call.cell or next((parent.cell for parent in parents if parent.cell), "")
        return Resource(
            id=made.id,
            cloud=self._cloud.name,
            type=spec.type_name,
            name=call.text(spec.name) or call.urn.rsplit("::", 1)[-1],
            key=f"{spec.type_name}|{spec.key(call)}",
            urn=call.urn,
            cell=cell,
            region=made.region,
            zone=made.zone,
            inputs=call.inputs,
            created=time.time(),
            parents=tuple(f"{parent.type}|{parent.id}" for parent in parents),
        )

    def _refuse_other_place(self, spec: TypeSpec, row: Resource, call: Call) -> None:
        """What a killed run left can only be adopted when nothing about it that cannot change is different now."""
        diff = detailed_diff(dict(row.inputs), dict(call.inputs), immutable=spec.replacing)
        if diff.replaces:
            changed = ", ".join(diff.replaces)
            message = (
                f"{row.name} exists already as {row.id}, left by an interrupted run with other {changed}; "
                "run pulumi refresh, or delete it first"
            )
            raise CloudRefusalError(message)

    def _refuse_while_needed(self, spec: TypeSpec, found: Resource) -> None:
        users = self._store.children(f"{spec.type_name}|{found.id}")
        if users:
            listed = ", ".join(sorted(user.id for user in users)[:5])
            message = f"DependencyViolation: {found.id} is still used by {listed}"
            raise CloudRefusalError(message)

    def _facts(self, op: str, spec: TypeSpec, call: Call) -> dict[str, str]:
        name = call.text(spec.name) or call.urn.rsplit("::", 1)[-1]
        return {"op": op, "type": spec.type_name, "name": name, "cell": call.cell, "cloud": self._cloud.name}

    def _faults(self, op: str, spec: TypeSpec, call: Call) -> None:
        facts = self._facts(op, spec, call)
        for attempt in range(_THROTTLE_ATTEMPTS):
            fault = self._store.take_fault(facts, kinds=("throttle", "timeout", "stock-out"))
            if fault is None:
                return
            if fault == "timeout":
                message = (
                    f"{op} of {facts['name']} timed out: the cloud did not answer; nothing is known to have changed"
                )
                raise CloudRefusalError(message)
            if fault == "stock-out":
                raise CloudRefusalError(self._cloud.stock_out_message(call))
            # A real provider waits and tries again; Cancel ends the wait.
            self.cancelled.wait(_THROTTLE_BACKOFF_S * 2**attempt)
        message = f"Throttling: {op} of {facts['name']} was refused {_THROTTLE_ATTEMPTS} times (request limit exceeded)"
        raise CloudRefusalError(message)

    def _find(self, op: str, name: str, needed: Iterable[Resource]) -> None:
        """Look for what was made a moment ago until every part of the cloud knows of it, as a real provider does."""
        for row in needed:
            facts = {"op": "find", "type": row.type, "name": row.name, "cell": row.cell, "cloud": row.cloud}
            for attempt in range(_THROTTLE_ATTEMPTS):
                if self._store.take_fault(facts, kinds=("not-yet-visible",)) is None:
                    break
                self.cancelled.wait(_THROTTLE_BACKOFF_S * 2**attempt)
            else:
                message = (
                    f"NotFound: {op} of {name} asked {_THROTTLE_ATTEMPTS} times for {row.name} ({row.id}), which was "
                    "made and is not visible everywhere yet; nothing was changed, run it again"
                )
                raise CloudRefusalError(message)

    def _hang_if_asked(self, spec: TypeSpec, call: Call) -> None:
        if self._store.take_fault(self._facts("create", spec, call), kinds=("hang",)) is not None:
            self.cancelled.wait(_HANG_S)
            message = f"{call.urn}: the cloud made the resource and never answered"
            raise CloudRefusalError(message)

    def _crash_if_asked(self, kind: str, spec: TypeSpec, call: Call) -> None:
        if self._store.take_fault(self._facts("create", spec, call), kinds=(kind,)) is not None:
            # The process dies as if killed: no handler runs, nothing is flushed.
            os._exit(_CRASH_STATUS)
