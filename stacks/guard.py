"""The guard inside the program: every resource is judged before it is registered, on a plain `pulumi preview` or `up`.

A violation raises, and the engine stops before that resource, and all that follow, are created. A value that is not
known yet is accepted only when it comes from cloud resources of this program, which have all been judged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi
from pulumi.output import Unknown

from components.errors import Problem, ResidencyError
from components.policy.model import ACCEPTED, UNKNOWN, Subject, cloud_of
from components.policy.rules import judge

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from components.policy.model import Violation
    from stacks.settings import Settings

    Watch = Callable[[str, str, dict[str, Any]], None]


def install(settings: Settings, *, watch: Watch | None = None) -> None:
    """Register the guard. Must come before the first resource of the program.

    `watch` is called with type, name and inputs of each accepted resource of a cloud.
    """
    cell = settings.cell
    Guard(world=cell.cell.world, allowed=frozenset(cell.world.regions), watch=watch).register()


class Guard:
    """Judges every resource of one program.

    The engine hands a transform values without their origin, so the origins are noted on the way to the engine, by an
    older kind of hook that sees the program's own objects but must not wait for them.
    """

    def __init__(self, *, world: str, allowed: frozenset[str], watch: Watch | None = None) -> None:
        self._world, self._allowed, self._watch = world, allowed, watch
        self._origins: dict[tuple[str, str], list[Mapping[str, Any]]] = {}

    def register(self) -> None:
        """Put both hooks before all resources that follow."""
        pulumi.runtime.register_stack_transformation(self.note)
        pulumi.runtime.register_resource_transform(self.judge)

    def note(self, args: pulumi.ResourceTransformationArgs) -> None:
        """Keep the program's own values of a resource by their names on the wire. Changes nothing."""
        if cloud_of(args.type_) is not None:
            wire = {args.resource.translate_input_property(key): value for key, value in dict(args.props).items()}
            self._origins.setdefault((args.type_, args.name), []).append(wire)

    async def judge(self, args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
        """The transform that refuses. Changes nothing. Raises ResidencyError with every violation of a resource."""
        if cloud_of(args.type_) is None:
            return None
        inputs = {
            key: await settle(value, lambda key=key: self._accepted(args, key))
            for key, value in dict(args.props).items()
        }
        subject = Subject(
            type=args.type_,
            name=args.name,
            inputs=inputs,
            world=self._world,
            allowed=self._allowed,
            own_provider=not args.custom or args.opts.provider is not None,
        )
        violations = judge(subject)
        if violations:
            raise ResidencyError(_problem(violation) for violation in violations)
        if self._watch is not None:
            self._watch(args.type_, args.name, inputs)
        return None

    async def _accepted(self, args: pulumi.ResourceTransformArgs, key: str) -> bool:
        """Whether a property's value comes from cloud resources of this program, and from nothing else.

        Every resource passes the guard, and the first refusal ends the run: those that a value can come from were
        accepted. A value from elsewhere (a look-up, another stack) was not.
        """
        sources: set[pulumi.Resource] = set()
        for origin in self._origins.get((args.type_, args.name), []):
            sources |= await pulumi.Output.from_input(origin.get(key)).resources()
        kinds = [await _type_of(source) for source in sources]
        return bool(kinds) and all(cloud_of(kind) is not None for kind in kinds)


async def settle(value: Any, accepted: Callable[[], Awaitable[bool]]) -> Any:
    """The plain value of an input. What is not known yet becomes ACCEPTED or UNKNOWN by where it comes from."""
    if isinstance(value, Unknown):
        return ACCEPTED if await accepted() else UNKNOWN
    if isinstance(value, pulumi.Output):
        if await value.is_known():
            return await settle(await value.future(), accepted)
        return ACCEPTED if await accepted() else UNKNOWN
    if isinstance(value, dict):
        return {key: await settle(item, accepted) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [await settle(item, accepted) for item in value]
    return value


async def _type_of(source: pulumi.Resource) -> str:
    """The type of a resource that a value depends on, out of its URN."""
    urn = await source.urn.future()
    parts = (urn or "").split("::")
    return parts[2].rsplit("$", 1)[-1] if len(parts) > 3 else ""


def _problem(violation: Violation) -> Problem:
    return Problem(
        code=violation.rule,
        path=violation.resource,
        where=violation.property,
        line=0,
        message=violation.reason,
        value=violation.value,
        fix=f"allowed: {violation.allowed}",
    )
