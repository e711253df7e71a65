"""What a program has registered in a cluster, told once all of it exists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi

from stacks.guard import settle

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Row = tuple[str, str, dict[str, Any]]

_PACKAGE = "kubernetes:"


class Seen:
    """Notes every Kubernetes object of a program with its inputs as the engine gets them."""

    def __init__(self) -> None:
        self._rows: list[Row] = []
        self._resources: list[pulumi.Resource] = []

    def register(self) -> Seen:
        """Put both hooks before all objects that follow. The first sees the objects, the second their values."""
        pulumi.runtime.register_stack_transformation(self._note)
        pulumi.runtime.register_resource_transform(self._keep)
        return self

    def tell(self, read: Callable[[Sequence[Row]], dict[str, str | None]]) -> pulumi.Output[dict[str, str | None]]:
        """What `read` makes of all objects that were registered before this call, once they exist."""
        waited = [resource.urn for resource in self._resources]
        return pulumi.Output.all(*waited).apply(lambda _: read(self._rows))

    def _note(self, args: pulumi.ResourceTransformationArgs) -> None:
        if args.type_.startswith(_PACKAGE):
            self._resources.append(args.resource)

    async def _keep(self, args: pulumi.ResourceTransformArgs) -> None:
        if args.type_.startswith(_PACKAGE):
            inputs = {key: await settle(value, _nothing) for key, value in dict(args.props).items()}
            self._rows.append((args.type_, args.name, inputs))


async def _nothing() -> bool:
    """No value of an object that is not known yet counts as known."""
    return False
