"""A click group that imports a verb's module when the verb runs, and not before."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cli.table import Entry


class LazyGroup(click.Group):
    """Names and help come from a literal table; `load` resolves one entry."""

    def __init__(self, *args: Any, lazy: Mapping[str, Entry], help_text: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._lazy = lazy
        self._help_text = help_text

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every name of the table, in its order."""
        return [*self._lazy, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name; None when the table has no such name."""
        entry = self._lazy.get(cmd_name)
        return load(entry) if entry is not None else super().get_command(ctx, cmd_name)

    def get_help(self, ctx: click.Context) -> str:
        """The help text of the table: no module is loaded for it."""
        del ctx
        return self._help_text

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Like click's, and an unknown name is answered with the nearest one."""
        if args and self.get_command_name(args[0]) is None:
            near = _nearest(args[0], list(self._lazy))
            hint = f" Did you mean {near!r}?" if near else ""
            ctx.fail(f"there is no command {args[0]!r}.{hint}")
        return super().resolve_command(ctx, args)

    def get_command_name(self, name: str) -> str | None:
        """The name when it is in the table or registered."""
        return name if name in self._lazy or name in self.commands else None


def load(entry: Entry) -> click.Command:
    """Import the module of an entry and return its command."""
    module, _, attribute = entry[0].partition(":")
    command = getattr(importlib.import_module(module), attribute)
    if not isinstance(command, click.Command):
        message = f"{entry[0]} is not a click command"
        raise TypeError(message)
    return command


def _nearest(word: str, names: list[str]) -> str | None:
    import difflib

    found = difflib.get_close_matches(word, names, n=1)
    return found[0] if found else None
