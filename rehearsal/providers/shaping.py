"""Small pure steps between what a program asks for and what a cloud answers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pulumi.runtime.proto import provider_pb2

from rehearsal.providers.wire import Secret, holds_secret

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from rehearsal.providers.model import Call
    from rehearsal.providers.sdktypes import Problem, TypeTable


def short_name(token: str) -> str:
    """`kms.CryptoKey` of `gcp:kms/cryptoKey:CryptoKey`."""
    _package, module, name = token.split(":")
    return f"{module.split('/')[0]}.{name}"


def references(call: Call, path: str) -> Iterator[tuple[str, str]]:
    """The known strings at a path whose `[]` means every element."""
    head, bracket, tail = path.partition("[]")
    value = call.known(head)
    if not bracket:
        if isinstance(value, str) and value:
            yield head, value
        return
    for index in range(len(value) if isinstance(value, list) else 0):
        yield from references(call, f"{head}[{index}]{tail}")


def without(call: Call, names: set[str]) -> Call:
    """The same call without some of its inputs."""
    return replace(call, inputs={name: value for name, value in call.inputs.items() if name not in names})


def echoed(inputs: Mapping[str, Any], table: TypeTable) -> dict[str, Any]:
    """The inputs that the cloud gives back as they are: those that the SDK also declares as outputs, of the same
    shape."""
    echoed = {name: value for name, value in inputs.items() if name in table.outputs}
    other_shape = {problem.path.split(".")[0].split("[")[0] for problem in table.check_outputs(echoed)}
    return {name: value for name, value in echoed.items() if name not in other_shape}


def sealed(values: Mapping[str, Any], inputs: Mapping[str, Any], table: TypeTable) -> dict[str, Any]:
    """Outputs with secrets marked: what came in as secret, and what the SDK marks by itself."""
    return {
        name: Secret(value) if name in table.secrets or holds_secret(inputs.get(name)) else value
        for name, value in values.items()
    }


def failures(problems: Iterable[Problem]) -> list[Any]:
    return [provider_pb2.CheckFailure(property=problem.path, reason=problem.reason) for problem in problems]
