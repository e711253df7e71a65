"""The pack's side of the engine's analyzer protocol.

It speaks the protocol itself, because the usual library reports a rule that meets an unknown value as advice. Here such
a value is left for the whole graph, which the engine shows at the end of a preview with the edges of every property;
what comes from nothing that was judged is refused there. Nothing is advice, whatever the pack's configuration asks.
"""

# ruff: noqa: N802 - the methods carry the names of the engine's protocol
from __future__ import annotations

import os
import sys
import threading
import time
from concurrent import futures
from typing import TYPE_CHECKING, Any

import grpc
from google.protobuf import empty_pb2
from google.protobuf.json_format import MessageToDict
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc, plugin_pb2

from components.clouds import tokens
from components.policy.catalogue import RULES
from components.policy.decide import Graph
from components.policy.model import is_foreign
from components.policy.pack.settings import CONFIGURED, SCHEMA, SettingsError, border_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from components.policy.decide import Border
    from components.policy.model import Violation

NAME = "twain-residency"
VERSION = "0.1.0"
_SIZE = [("grpc.max_receive_message_length", 1 << 30), ("grpc.max_send_message_length", 1 << 30)]


class Pack(analyzer_pb2_grpc.AnalyzerServicer):
    """One run of the engine."""

    def __init__(self) -> None:
        self._border: Border | None = None
        self._asked: dict[str, Any] = {}
        self._told: set[tuple[str, str, str]] = set()

    def Handshake(self, request: Any, context: Any) -> Any:
        return analyzer_pb2.AnalyzerHandshakeResponse()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        return plugin_pb2.PluginInfo(version=VERSION)

    def ConfigureStack(self, request: Any, context: Any) -> Any:
        return analyzer_pb2.AnalyzerStackConfigureResponse()

    def GetAnalyzerInfo(self, request: Any, context: Any) -> Any:
        seen = [rule for rule in RULES.values() if "pack" in rule.sees]
        # Not required by the schema: the environment may say it too, and the message of ours says how.
        schema = analyzer_pb2.PolicyConfigSchema()
        schema.properties.update(SCHEMA)
        configured = analyzer_pb2.PolicyInfo(
            name=CONFIGURED,
            description="Which world this program is for: not a rule, but what the rules are asked about.",
            enforcementLevel=analyzer_pb2.MANDATORY,
            configSchema=schema,
        )
        return analyzer_pb2.AnalyzerInfo(
            name=NAME,
            displayName=NAME,
            version=VERSION,
            supportsConfig=True,
            policies=[
                configured,
                *(
                    analyzer_pb2.PolicyInfo(
                        name=rule.id, description=rule.says, enforcementLevel=analyzer_pb2.MANDATORY
                    )
                    for rule in seen
                ),
            ],
        )

    def Configure(self, request: Any, context: Any) -> Any:
        try:
            self._asked = _asked(request)
            self._border = border_of(self._asked, dict(os.environ))
        except SettingsError as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        return empty_pb2.Empty()

    def Analyze(self, request: Any, context: Any) -> Any:
        """One resource, with its provider. What is not known yet waits for the graph."""
        rows = [_row(request)]
        if request.provider.urn:
            rows.insert(0, _provider(request))
        violations = Graph(self._judged_by(context), later=True).judge_last(rows)
        return analyzer_pb2.AnalyzeResponse(diagnostics=self._diagnostics(request.urn, violations))

    def AnalyzeStack(self, request: Any, context: Any) -> Any:
        """The whole graph, with the edges of its values."""
        graph = Graph(self._judged_by(context))
        diagnostics = [
            found
            for row in _ordered(_listed(request.resources))
            for found in self._diagnostics(row["urn"], graph.judge([row]))
        ]
        return analyzer_pb2.AnalyzeResponse(diagnostics=diagnostics)

    def Remediate(self, request: Any, context: Any) -> Any:
        return analyzer_pb2.RemediateResponse()

    def Cancel(self, request: Any, context: Any) -> Any:
        return empty_pb2.Empty()

    def _judged_by(self, context: Any) -> Border:
        if self._border is None:
            try:
                self._border = border_of(self._asked, dict(os.environ))
            except SettingsError as error:
                context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))
        assert self._border is not None  # noqa: S101 - abort raises
        return self._border

    def _diagnostics(self, urn: str, violations: Iterable[Violation]) -> list[Any]:
        found: list[Any] = []
        for one in violations:
            key = (urn, one.rule, one.property)
            if key not in self._told:
                self._told.add(key)
                found.append(_diagnostic(urn, one))
        return found


def _diagnostic(urn: str, one: Violation) -> Any:
    return analyzer_pb2.AnalyzeDiagnostic(
        policyName=one.rule,
        policyPackName=NAME,
        policyPackVersion=VERSION,
        description=RULES[one.rule].says,
        message=f"{one.rule} {one.property} = {one.value}: {one.reason} Allowed: {one.allowed}. "
        f"Fix: {RULES[one.rule].fix}.",
        enforcementLevel=analyzer_pb2.MANDATORY,
        urn=urn,
    )


def _asked(request: Any) -> dict[str, Any]:
    """The configuration: what the rules are asked about, and nothing else that would change them."""
    known = {rule.id for rule in RULES.values() if "pack" in rule.sees}
    asked: dict[str, Any] = {}
    for name, config in request.policyConfig.items():
        if name == CONFIGURED:
            asked = MessageToDict(config.properties)
        elif name not in known:
            message = f"the configuration names a rule that there is not: {name}. Rules: {', '.join(sorted(known))}"
            raise SettingsError(message)
        elif config.enforcementLevel != analyzer_pb2.MANDATORY:
            message = f"rule {name} is mandatory; a difference that was agreed on is a waiver, not a weaker rule."
            raise SettingsError(message)
    return asked


def _row(resource: Any) -> dict[str, Any]:
    provider = resource.provider.urn
    return {
        "urn": resource.urn,
        "type": resource.type,
        "inputs": MessageToDict(resource.properties),
        "provider": f"{provider}::id" if provider else "",
        # The engine gives every resource but a component a provider; what rules know is judged in any case.
        "custom": bool(provider) or not is_foreign(tokens.plain(resource.type)),
        "propertyDependencies": {
            key: list(found.urns) for key, found in getattr(resource, "propertyDependencies", {}).items()
        },
        "after": [*getattr(resource, "dependencies", ()), provider],
    }


def _listed(resources: Iterable[Any]) -> list[dict[str, Any]]:
    """The rows of a graph, and before them the providers that they carry and the graph does not list."""
    rows = [_row(one) for one in resources]
    known = {row["urn"] for row in rows}
    carried = {one.provider.urn: _provider(one) for one in resources if one.provider.urn not in {"", *known}}
    return [*({**row, "provider": "", "propertyDependencies": {}, "after": []} for row in carried.values()), *rows]


def _provider(request: Any) -> dict[str, Any]:
    given = request.provider
    kind = given.type or given.urn.split("::")[-2].rpartition("$")[2]
    return {"urn": given.urn, "type": kind, "inputs": MessageToDict(given.properties)}


def _ordered(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows, each after all that it depends on."""
    by_urn = {row["urn"]: row for row in rows}
    done: dict[str, dict[str, Any]] = {}
    waiting = list(reversed(rows))
    entered: set[str] = set()
    while waiting:
        row = waiting[-1]
        urn = row["urn"]
        needed = {one for urns in row["propertyDependencies"].values() for one in urns} | set(row["after"])
        open_ones = [by_urn[one] for one in sorted(needed) if one in by_urn and one not in done and one not in entered]
        if urn in done or not open_ones:
            done.setdefault(urn, row)
            waiting.pop()
        entered.add(urn)
        waiting.extend(open_ones)
    return list(done.values())


def _end_with(parent: int) -> None:
    """Go when whoever started this has gone, however it went."""
    while os.getppid() == parent:
        time.sleep(2)
    os._exit(0)


def main() -> int:
    """Serve until the engine ends this process. The port is the first line of output."""
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=4), options=_SIZE)
    analyzer_pb2_grpc.add_AnalyzerServicer_to_server(Pack(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    server.wait_for_termination()
    return 0
