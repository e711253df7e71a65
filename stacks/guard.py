"""The guard inside the program: every resource is judged before it is registered, on a plain `pulumi preview` or `up`.

A violation raises, and the engine stops before that resource, and all that follow, are created. A value that is not
known yet is accepted only when it comes from resources of this program, which have all been judged.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi.output import Unknown

from components.clouds import tokens
from components.errors import Problem, ResidencyError
from components.policy import exports
from components.policy.access import KEYED
from components.policy.decide import Border
from components.policy.model import ACCEPTED, REFERENCE, UNKNOWN, Subject, cloud_of, is_judged
from components.policy.rules import judge
from stacks.wire import wire_inputs

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from datetime import date

    from components.policy.model import Violation
    from stacks.settings import Settings

    Watch = Callable[[str, str, dict[str, Any]], None]


def install(settings: Settings, *, watch: Watch | None = None) -> None:
    """Register the guard. Must come before the first resource of the program.

    `watch` is called with type, name and inputs of each accepted resource of a cloud.
    """
    entries = exports.of_fleet(settings.fleet_path, today())
    Guard(Border.of(settings.fleet, settings.cell.cell.world, exports=entries), watch=watch).register()


def today() -> date:
    """The day by which export entries are judged."""
    return datetime.now(UTC).date()


class Guard:
    """Judges every resource of one program.

    The engine hands a transform values without their origin, so the origins are noted on the way to the engine, by an
    older kind of hook that sees the program's own objects but must not wait for them.
    """

    def __init__(self, border: Border, *, watch: Watch | None = None) -> None:
        self._border, self._watch = border, watch
        self._origins: dict[tuple[str, str], list[Mapping[str, Any]]] = {}

    def register(self) -> None:
        """Put both hooks before all resources that follow."""
        pulumi.runtime.register_stack_transformation(self.note)
        pulumi.runtime.register_resource_transform(self.judge)

    def note(self, args: pulumi.ResourceTransformationArgs) -> None:
        """Keep the program's own values of a resource by their names on the wire. Changes nothing.

        A reference to another stack is read, not registered, and comes by here only: it is judged at once.
        """
        if args.type_ == REFERENCE:
            _raise(judge(self._subject(args.type_, args.name, {"name": _plain_name(args)})))
        elif is_judged(args.type_):
            self._origins.setdefault((args.type_, args.name), []).append(wire_inputs(args))

    async def judge(self, args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
        """The transform that refuses. Changes nothing. Raises ResidencyError with every violation of a resource."""
        if not is_judged(args.type_, custom=args.custom) or args.type_ == REFERENCE:
            return None
        props = dict(args.props)
        inputs = {
            # Nearly every value is plain; to ask costs less than to wait for each of its parts.
            key: value if is_plain(value) else await settle(value, lambda key=key: self._accepted(args, key))
            for key, value in props.items()
        }
        keyed = KEYED.get(tokens.plain(args.type_), ("",))[0]
        traced = frozenset({keyed}) if keyed in props and await self._accepted(args, keyed) else frozenset[str]()
        subject = self._subject(args.type_, args.name, inputs)
        named = not args.custom or args.opts.provider is not None
        _raise(judge(replace(subject, provider="placed" if named else "none", traced=traced)))
        if self._watch is not None and cloud_of(subject.type) is not None:
            self._watch(args.type_, args.name, inputs)
        return None

    def _subject(self, kind: str, name: str, inputs: Mapping[str, Any]) -> Subject:
        border = self._border
        return Subject(
            type=tokens.plain(kind),
            name=name,
            inputs=inputs,
            world=border.world,
            allowed=border.allowed,
            hosts=border.hosts,
            cells=border.cells,
            exports=border.exports,
        )

    async def _accepted(self, args: pulumi.ResourceTransformArgs, key: str) -> bool:
        """Whether a property's value comes from resources of this program that a rule judges, and from nothing else.

        Every resource passes the guard, and the first refusal ends the run: those that a value can come from were
        accepted. A value from elsewhere (a look-up, another stack) was not. A place of a cloud comes from a cloud.
        """
        sources: set[pulumi.Resource] = set()
        for origin in self._origins.get((args.type_, args.name), []):
            sources |= await pulumi.Output.from_input(origin.get(key)).resources()
        kinds = [tokens.plain(await _type_of(source)) for source in sources]
        inside = args.type_.startswith("kubernetes:")
        return bool(kinds) and all(
            cloud_of(kind) is not None or (inside and kind.startswith("kubernetes:")) for kind in kinds
        )


def _plain_name(args: pulumi.ResourceTransformationArgs) -> Any:
    """Which stack a reference reads, where the program says it in plain text."""
    name = dict(args.props).get("name")
    return name if isinstance(name, str) else UNKNOWN


def _raise(violations: list[Violation]) -> None:
    if violations:
        raise ResidencyError(_problem(violation) for violation in violations)


def is_plain(value: Any) -> bool:
    """Whether a value holds nothing that has to be waited for."""
    if isinstance(value, Unknown | pulumi.Output):
        return False
    if isinstance(value, dict):
        return all(map(is_plain, value.values()))
    return not isinstance(value, list | tuple) or all(map(is_plain, value))


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
