"""Plans a stack without an engine, cloud or cluster: what the program would register, as JSON on standard output.

For a stack whose `infra` is not up, which the engine cannot preview. Values that only a deployed cell has are not
known; they are written as the engine writes them. Run as `python -m stacks.planner STACK… [--fleet PATH]`; of several
stacks the resources are one list. No state is touched, and the guard's rules are for the caller to apply
(`components.policy.decide`).
"""

from __future__ import annotations

import argparse
import asyncio
import copy
import json
import sys
from typing import Any

import pulumi
from pulumi.runtime import mocks, settings

from components.errors import TwainLibraryError
from stacks.wire import wire_inputs

# The engine's own mark of a value that is not known yet.
UNKNOWN_TEXT = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
REFERENCE = "pulumi:pulumi:StackReference"


class Planner(mocks.Mocks):
    """Notes every registration and answers nothing, so that every output is unknown."""

    def __init__(self) -> None:
        self.resources: list[dict[str, Any]] = []
        # The stand-in for the engine answers from threads, each with a loop of its own that nobody else closes.
        self.loops: set[asyncio.AbstractEventLoop] = set()
        self._declared: dict[tuple[str, str], pulumi.ResourceTransformationArgs] = {}

    def note(self, args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
        """Keep the program's own values of a resource: only they know which resources they come from.

        A plan tells no other names that a resource had; to put together all of an SDK's takes more time than the rest.
        """
        self._declared[args.type_, args.name] = args
        if not args.opts.aliases:
            return None
        bare = copy.copy(args.opts)
        bare.aliases = None
        return pulumi.ResourceTransformationResult(props=args.props, opts=bare)

    async def trace(self) -> None:
        """Add to each resource which others its values come from, as the engine does in a plan."""
        for row in self.resources:
            args = self._declared.get((row["type"], row["urn"].rsplit("::", 1)[-1]))
            edges: dict[str, list[str]] = {}
            for key, value in wire_inputs(args).items() if args is not None else ():
                sources = await pulumi.Output.from_input(value).resources()
                edges[key] = sorted({_urn(one.pulumi_resource_type, one.pulumi_resource_name) for one in sources})
            row["propertyDependencies"] = edges

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        """Note a resource."""
        self.loops.add(asyncio.get_event_loop())
        if args.typ == REFERENCE:
            return args.name, {"name": args.inputs["name"]}
        self.resources.append(
            {
                "type": args.typ,
                "urn": _urn(args.typ, args.name),
                "custom": bool(args.custom),
                "provider": _provider(args.provider or ""),
                "inputs": _plain(args.inputs),
                "source": "planned from spec",
            }
        )
        return None, {}

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]]]:
        """Refuse a look-up: a plan has nothing to look it up in."""
        message = f"the program looks something up ({args.token}); a plan cannot"
        raise LookupError(message)


def plan(stack: str, fleet: str | None) -> list[dict[str, Any]]:
    """The resources that the program of a stack would register. Raises what the program raises."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    planner = Planner()
    # The hooks of a program hang on its root; the next program must not meet the guard of the one before.
    settings.set_root_resource(None)  # pyright: ignore[reportArgumentType]
    try:
        mocks.set_mocks(planner, project="twain", stack=stack, preview=True, organization="organization")
        pulumi.runtime.set_all_config({"twain:fleet": fleet} if fleet else {})
        loop.run_until_complete(pulumi.runtime.stack.run_pulumi_func(lambda: _program(planner)))
        loop.run_until_complete(planner.trace())
    finally:
        loop.run_until_complete(loop.shutdown_default_executor())
        for one in (*planner.loops, loop):
            one.close()
        asyncio.set_event_loop(None)
    return planner.resources


def _urn(kind: str, name: str) -> str:
    return f"urn:pulumi:{settings.get_stack()}::{settings.get_project()}::{kind}::{name}"


def _provider(reference: str) -> str:
    """A reference to a provider by the URN that its row has here: the stand-in for the engine puts parents into it."""
    parts = reference.split("::")
    if len(parts) < 5:
        return reference
    return f"{_urn(parts[2].rpartition('$')[2], parts[3])}::{parts[4]}"


def _program(planner: Planner) -> None:
    from stacks import program
    from stacks import settings as own

    pulumi.runtime.register_stack_transformation(planner.note)
    program.run(own.read(check_state=False))


def _plain(value: Any) -> Any:
    if isinstance(value, pulumi.output.Unknown | pulumi.Output):
        return UNKNOWN_TEXT
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value


def main() -> int:
    """Print the plan; 2 with the problems on standard error when the fleet is wrong."""
    parser = argparse.ArgumentParser(prog="python -m stacks.planner")
    parser.add_argument("stacks", metavar="STACK", nargs="+")
    parser.add_argument("--fleet")
    asked = parser.parse_args()
    try:
        found = [row for stack in asked.stacks for row in plan(stack, asked.fleet)]
    except TwainLibraryError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    json.dump({"resources": found}, sys.stdout, indent=1, sort_keys=True)
    sys.stdout.write("\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
