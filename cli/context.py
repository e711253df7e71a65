"""Who is operating: contexts on disk. A context belongs to one world and holds, for another world, a gate token at
most."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cli import errors, files

_GATES = "gates"


def default_home() -> Path:
    """`$TWAIN_HOME`, else `~/.config/twain`."""
    declared = os.environ.get("TWAIN_HOME")
    return Path(declared) if declared else Path.home() / ".config" / "twain"


@dataclass(frozen=True, kw_only=True)
class GateAccess:
    """How to reach another world's gate: its address, the CA that signed it, the file with our gate token."""

    world: str
    url: str
    token_file: Path
    ca_file: Path | None = None
    ca_pem: str | None = None

    def ca(self) -> str | None:
        """The CA as PEM. Raises UsageError when the file cannot be read."""
        if self.ca_pem:
            return self.ca_pem
        return files.read_text(self.ca_file, "the gate's CA") if self.ca_file else None

    def token(self) -> str:
        """The gate token. Raises AuthError when there is none."""
        try:
            token = self.token_file.read_text(encoding="utf-8").strip()
        except OSError as error:
            message = f"the gate token for world {self.world} cannot be read: {error.strerror} ({self.token_file})."
            fix = f"ask an operator of {self.world} for: twain context grant --to NAME --ttl 1h"
            raise errors.AuthError(message, fix=fix, id="AUTH-GATE") from error
        if not token:
            message = f"the gate token file for world {self.world} is empty ({self.token_file})."
            raise errors.AuthError(message, fix="ask for a new one", id="AUTH-GATE")
        return token


@dataclass(frozen=True, kw_only=True)
class Context:
    """One operator in one world. `env` is what the engine and the credential plugins run with, beside the minimum;
    `waivers` the folder of the fleet's waivers, where it is not the one beside the fleet.
    """

    name: str
    world: str
    identity: str
    fleet: Path
    workspace: Path | None = None
    env: dict[str, str] = field(default_factory=dict)
    gates: dict[str, GateAccess] = field(default_factory=dict)
    # The maisons whose content this operator may see without breaking a glass.
    maisons: tuple[str, ...] = ()
    waivers: Path | None = None


@dataclass(frozen=True)
class ContextStore:
    """`contexts.json` of a home folder. Writes are whole-file and atomic, 0600."""

    home: Path

    @property
    def path(self) -> Path:
        """Where the contexts are kept."""
        return self.home / "contexts.json"

    def read(self) -> dict[str, Any]:
        """The file's content; an absent file is an empty one. Raises UsageError for one that cannot be read."""
        try:
            raw = json.loads(self.path.read_bytes())
        except FileNotFoundError:
            return {"current": None, "contexts": {}}
        except (OSError, ValueError) as error:
            message = f"{self.path} cannot be read: {error}."
            raise errors.UsageError(message, fix="correct or remove the file", id="CFG-CONTEXTS") from error
        if not isinstance(raw, dict) or not isinstance(raw.get("contexts"), dict):
            message = f"{self.path} has no mapping `contexts`."
            raise errors.UsageError(message, fix="correct or remove the file", id="CFG-CONTEXTS")
        return raw

    def names(self) -> list[str]:
        """Every context, sorted."""
        return sorted(self.read()["contexts"])

    def current_name(self) -> str | None:
        """The context in force: `$TWAIN_CONTEXT`, else the file's own."""
        return os.environ.get("TWAIN_CONTEXT") or self.read().get("current")

    def get(self, name: str | None = None) -> Context:
        """A context by name, or the current one. Raises UsageError when there is none."""
        raw = self.read()
        chosen = name or os.environ.get("TWAIN_CONTEXT") or raw.get("current")
        known = ", ".join(sorted(raw["contexts"])) or "none"
        if not chosen:
            message = "no context is set, so it is not known for whom and in which world to act."
            fix = f"twain context use NAME (known: {known})" if raw["contexts"] else "twain rehearse up, or twain init"
            raise errors.UsageError(message, fix=fix, id="CFG-NOCONTEXT")
        if chosen not in raw["contexts"]:
            message = f"there is no context {chosen!r}; known: {known}."
            raise errors.UsageError(message, fix="twain context list", id="CFG-NOCONTEXT")
        return _context(chosen, raw["contexts"][chosen], self.path)

    def use(self, name: str) -> Context:
        """Make a context the current one. Repeating it changes nothing."""
        context = self.get(name)
        raw = self.read()
        if raw.get("current") != name:
            files.write_private(self.path, json.dumps({**raw, "current": name}, indent=2) + "\n")
        return context

    def add(self, name: str, value: dict[str, Any], *, current: bool = False) -> Context:
        """Write a new context; the first one becomes the current one. Raises UsageError for a name that is taken."""
        raw = self.read()
        if name in raw["contexts"]:
            message = f"there is a context {name!r} already: world {raw['contexts'][name].get('world')}."
            fix = f"choose another name, or first: twain context remove {name}"
            raise errors.UsageError(message, fix=fix, id="CFG-EXISTS")
        raw["contexts"][name] = value
        if current or not raw.get("current"):
            raw["current"] = name
        self._write(raw)
        return self.get(name)

    def remove(self, name: str) -> Context:
        """Forget a context and what its gates left on disk; returns what it was."""
        context = self.get(name)
        raw = self.read()
        del raw["contexts"][name]
        if raw.get("current") == name:
            raw["current"] = None
        self._write(raw)
        for gate in context.gates.values():
            for path in (gate.token_file, gate.ca_file):
                # Only what lies in our own folder is ours to remove.
                if path is not None and path.is_relative_to(self.home / _GATES):
                    path.unlink(missing_ok=True)
        return context

    def accept(self, name: str, *, world: str, url: str, token: str, ca_pem: str) -> GateAccess:
        """Keep a gate token of another world, and how its gate is reached, with a context. Replaces what was there."""
        self.get(name)
        base = f"{_GATES}/{name}-{world}"
        files.write_private(self.home / f"{base}.token", f"{token}\n")
        files.write_private(self.home / f"{base}.crt", ca_pem)
        raw = self.read()
        gates = raw["contexts"][name].setdefault("gates", {})
        gates[world] = {"url": url, "token_file": f"{base}.token", "ca_file": f"{base}.crt"}
        self._write(raw)
        return self.get(name).gates[world]

    def _write(self, raw: dict[str, Any]) -> None:
        files.write_private(self.path, json.dumps(raw, indent=2) + "\n")


def _context(name: str, raw: Any, path: Path) -> Context:
    try:
        gates = {world: _gate(world, gate, path.parent) for world, gate in (raw.get("gates") or {}).items()}
        return Context(
            name=name,
            world=str(raw["world"]),
            identity=str(raw.get("identity") or name),
            fleet=_path(str(raw["fleet"]), path.parent),
            workspace=_path(str(raw["workspace"]), path.parent) if raw.get("workspace") else None,
            env={str(key): str(value) for key, value in (raw.get("env") or {}).items()},
            gates=gates,
            maisons=tuple(str(maison) for maison in raw.get("maisons") or ()),
            waivers=_path(str(raw["waivers"]), path.parent) if raw.get("waivers") else None,
        )
    except (KeyError, TypeError, AttributeError) as error:
        message = f"context {name!r} in {path} is incomplete: {error}."
        raise errors.UsageError(message, fix="it needs world, identity and fleet", id="CFG-CONTEXTS") from error


def _gate(world: str, raw: dict[str, Any], base: Path) -> GateAccess:
    return GateAccess(
        world=world,
        url=str(raw["url"]),
        token_file=_path(str(raw["token_file"]), base),
        ca_file=_path(str(raw["ca_file"]), base) if raw.get("ca_file") else None,
        ca_pem=str(raw["ca_pem"]) if raw.get("ca_pem") else None,
    )


def _path(value: str, base: Path) -> Path:
    path = Path(value).expanduser()
    return path if path.is_absolute() else base / path
