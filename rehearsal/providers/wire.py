"""Property values between the engine's wire form and plain Python values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from google.protobuf import struct_pb2

from components.rules.model import UNKNOWN, UNKNOWN_TEXT, Unknown

__all__ = ["UNKNOWN", "Secret", "Unknown", "decode", "encode", "holds_secret", "holds_unknown", "merged", "reveal"]

_SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
_SEALED: Final = "1b47061264138c4ac30d75fd1eb44270"
_OUTPUT: Final = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
_RESOURCE: Final = "5cf8f73096256a8f31e491e813e4eb8e"
# Beyond this a double is no exact integer.
_EXACT: Final = 2**53


class Secret:
    """A value that the engine must encrypt in state and mask in output."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other.value == self.value

    def __hash__(self) -> int:
        return hash(repr(self.value))

    def __repr__(self) -> str:
        return "Secret(…)"


def decode(properties: struct_pb2.Struct) -> dict[str, Any]:
    """Plain values with `Secret` and `UNKNOWN` kept; the engine's own `__…` properties are left out."""
    return {name: _decode(value) for name, value in properties.fields.items() if not name.startswith("__")}


def encode(properties: Mapping[str, Any]) -> struct_pb2.Struct:
    """The wire form of `decode`'s values."""
    return struct_pb2.Struct(fields={name: _encode(value) for name, value in properties.items()})


def reveal(value: Any) -> Any:
    """The same value without `Secret` wrappers, at any depth."""
    if isinstance(value, Secret):
        return reveal(value.value)
    if isinstance(value, dict):
        return {name: reveal(item) for name, item in value.items()}
    if isinstance(value, list):
        return [reveal(item) for item in value]
    return value


def holds_secret(value: Any) -> bool:
    """Whether any part of the value is secret."""
    if isinstance(value, Secret):
        return True
    if isinstance(value, dict):
        return any(holds_secret(item) for item in value.values())
    return isinstance(value, list) and any(holds_secret(item) for item in value)


def holds_unknown(value: Any) -> bool:
    """Whether any part of the value is not known yet."""
    if isinstance(value, Secret):
        return holds_unknown(value.value)
    if isinstance(value, Unknown):
        return True
    if isinstance(value, dict):
        return any(holds_unknown(item) for item in value.values())
    return isinstance(value, list) and any(holds_unknown(item) for item in value)


def merged(old: Any, new: Any) -> Any:
    """`new`, with what only `old` has kept inside objects and lists of equal length: an update leaves computed
    fields alone."""
    if isinstance(old, dict) and isinstance(new, dict):
        return old | {name: merged(old.get(name), value) for name, value in new.items()}
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return [merged(before, after) for before, after in zip(old, new, strict=True)]
    return new


def _decode(value: struct_pb2.Value) -> Any:  # noqa: PLR0911 - one line for each form that a value has
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        return UNKNOWN if value.string_value == UNKNOWN_TEXT else value.string_value
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() and abs(number) < _EXACT else number
    if kind == "bool_value":
        return value.bool_value
    if kind == "list_value":
        return [_decode(item) for item in value.list_value.values]
    if kind != "struct_value":
        return None
    fields = value.struct_value.fields
    signature = fields[_SIGNATURE].string_value if _SIGNATURE in fields else ""
    if signature == _SEALED:
        return Secret(_decode(fields["value"]))
    if signature == _OUTPUT:
        inner = _decode(fields["value"]) if "value" in fields else UNKNOWN
        return Secret(inner) if fields["secret"].bool_value else inner
    if signature == _RESOURCE:
        return _decode(fields["id"]) if "id" in fields else fields["urn"].string_value
    return {name: _decode(item) for name, item in fields.items()}


def _encode(value: Any) -> struct_pb2.Value:
    if value is None:
        return struct_pb2.Value(null_value=struct_pb2.NULL_VALUE)
    if isinstance(value, Unknown):
        return struct_pb2.Value(string_value=UNKNOWN_TEXT)
    if isinstance(value, Secret):
        fields = {_SIGNATURE: struct_pb2.Value(string_value=_SEALED), "value": _encode(value.value)}
        return struct_pb2.Value(struct_value=struct_pb2.Struct(fields=fields))
    if isinstance(value, bool):
        return struct_pb2.Value(bool_value=value)
    if isinstance(value, int | float):
        return struct_pb2.Value(number_value=value)
    if isinstance(value, str):
        return struct_pb2.Value(string_value=value)
    if isinstance(value, Mapping):
        return struct_pb2.Value(struct_value=encode(value))
    if isinstance(value, list | tuple):
        return struct_pb2.Value(list_value=struct_pb2.ListValue(values=[_encode(item) for item in value]))
    message = f"a {type(value).__name__} has no wire form"
    raise TypeError(message)
