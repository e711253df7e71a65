"""What every verb declares beside its options: its data class, the shape of its JSON, an example."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import click

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DataClass = Literal["metadata", "metrics", "content"]
Shape = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A JSON kind: the keys of one item, and the keys that the envelope has beside the common ones.

    A shape is a mapping of key to a type in words ("string", "integer|null", "RFC 3339"), a nested mapping, or a list
    with one shape in it.
    """

    name: str
    item: Mapping[str, Any]
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Verb:
    """The declaration of a verb. `mutates` verbs plan first and then ask."""

    data_class: DataClass
    examples: tuple[str, ...]
    kind: Kind | None = None
    mutates: bool = False


class VerbCommand(click.Command):
    """A click command with its declaration; the examples stand at the end of its help."""

    def __init__(self, *args: Any, verb: Verb, **kwargs: Any) -> None:
        kwargs.setdefault("context_settings", {}).setdefault("help_option_names", ["-h", "--help"])
        super().__init__(*args, **kwargs)
        self.verb = verb

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Examples, and the data class."""
        super().format_epilog(ctx, formatter)
        with formatter.section("Examples"):
            for example in self.verb.examples:
                formatter.write(f"  {example}\n")
        formatter.write(f"\nData class: {self.verb.data_class}\n")


class NounGroup(click.Group):
    """A noun: its verbs with their first help line, `-h` as well as `--help`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("context_settings", {}).setdefault("help_option_names", ["-h", "--help"])
        super().__init__(*args, **kwargs)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The verbs, and one example of each."""
        super().format_commands(ctx, formatter)
        examples = [command.verb.examples[0] for command in self.commands.values() if isinstance(command, VerbCommand)]
        if examples:
            with formatter.section("Examples"):
                for example in examples:
                    formatter.write(f"  {example}\n")


def walk(name: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    """Every leaf below a command, with its full name, sorted as registered."""
    if isinstance(command, click.Group):
        for child_name, child in command.commands.items():
            yield from walk(f"{name} {child_name}", child)
        if command.invoke_without_command:
            yield name, command
    else:
        yield name, command


def declaration(command: click.Command) -> Verb | None:
    """The declaration of a leaf, or None where one was forgotten (a test looks for those)."""
    return command.verb if isinstance(command, VerbCommand) else None
