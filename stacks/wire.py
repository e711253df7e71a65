"""What a program's own names are called where the engine sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pulumi


def wire_inputs(args: pulumi.ResourceTransformationArgs) -> dict[str, Any]:
    """The program's values of a resource by their names on the wire.

    Typed SDKs write `kms_key_id` and send `kmsKeyId`. Names that are built otherwise (`diskEncryptionSetID`) stand in
    the SDK's own class. What is missed has no known origin, and is refused.
    """
    return {_wired(args.resource, key): value for key, value in dict(args.props).items()}


def _wired(resource: pulumi.Resource, key: str) -> str:
    stated = getattr(getattr(type(resource), key, None), "fget", None)
    return getattr(stated, "_pulumi_name", None) or _camel(resource.translate_input_property(key))


def _camel(name: str) -> str:
    first, *rest = name.rstrip("_").split("_")
    return first + "".join(part[:1].upper() + part[1:] for part in rest)
