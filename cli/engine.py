"""The Pulumi engine, as a child process on this context's workspace and backend.

What the wrapper adds: umask 077, one lock per stack, copies of the state (checksummed, synced, rotated) before
anything that changes it, and exit codes that say what went wrong.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli import children, errors, files, stack_copies, stack_files, stack_locks, stack_pending
from cli.kube.kubeconfig import plugin_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from cli.context import Context

LAYERS = ("infra", "platform")
_NAME = re.compile(r"^[a-z0-9][a-z0-9-]*\.[a-z0-9][a-z0-9-]*\.(infra|platform)$")
_RULE = re.compile(r"\b(?:RES|SEC)-[A-Z0-9-]+")
_SPEC = re.compile(r"\bSPEC-[A-Z0-9-]+")
_LOCK_OWNER = re.compile(r"created by (\S+)@(\S+) \(pid (\d+)\)")
_WORDS = 40
_SHOWN = 200
_UNREADABLE = re.compile(r"failed to load checkpoint|snapshot integrity|unexpected end of JSON|invalid character '")
_ERROR = re.compile(r"\berror: (.+)")
# How Python names an exception class before its words.
_PREFIX = re.compile(r"^(?:error: )?(?:[\w.]+Error: )?")


@dataclass(frozen=True, kw_only=True)
class Result:
    """How a run of the engine ended."""

    code: int
    out: str
    err: str

    @property
    def words(self) -> str:
        """Its errors, each once; its last lines where it names none."""
        text = (self.out + "\n" + self.err).strip()
        told = [found.strip() for found in _ERROR.findall(text)]
        named = [line for line in dict.fromkeys(told) if line not in {"update failed", "preview failed"}]
        return "\n".join(named[:_WORDS] or text.splitlines()[-_WORDS:])


@dataclass(frozen=True, kw_only=True)
class Engine:
    """One workspace and one backend. Methods block; each is one run of `pulumi`."""

    world: str
    workspace: Path
    env: dict[str, str]
    home: Path

    @classmethod
    def of(cls, context: Context, *, home: Path) -> Engine:
        """The engine of a context. Raises UsageError where the context has no workspace."""
        if context.workspace is None:
            message = f"context {context.name} has no workspace, so no stacks can be worked on from here."
            raise errors.UsageError(message, fix="set `workspace` to the folder with Pulumi.yaml", id="CFG-WORKSPACE")
        if not (context.workspace / "Pulumi.yaml").is_file():
            message = f"there is no Pulumi.yaml in {context.workspace}."
            raise errors.UsageError(message, fix="correct `workspace` of the context", id="CFG-WORKSPACE")
        env = plugin_environment(context.env, {})
        return cls(world=context.world, workspace=context.workspace, env=env, home=home)

    def program(self) -> str:
        """The path of the engine. Raises UsageError when it is not there."""
        found = shutil.which("pulumi", path=self.env.get("PATH"))
        if found is None:
            message = "pulumi is not on the PATH."
            raise errors.UsageError(message, fix="twain doctor", id="CFG-ENGINE")
        return found

    def run(
        self,
        args: Sequence[str],
        *,
        on_line: Callable[[str], None] | None = None,
        timeout_s: float | None = None,
        check: bool = True,
    ) -> Result:
        """Run `pulumi ARGS`. With `on_line`, its output is handed on line by line. Raises TwainError when it fails."""
        command = [self.program(), *args]
        with (
            subprocess.Popen(
                command,
                cwd=self.workspace,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT if on_line is not None else subprocess.PIPE,
                text=True,
                umask=0o077,
                # Its own group: a Ctrl-C of the terminal reaches the engine by us, and once.
                process_group=0,
            ) as process,
            children.holding(process),
        ):
            try:
                result = _collect(process, on_line, timeout_s)
            except subprocess.TimeoutExpired as error:
                process.kill()
                message = f"pulumi {args[0]} did not end within {timeout_s:.0f} s."
                raise errors.DeadlineError(message, fix="give more time with --timeout") from error
            except BaseException:
                # It finishes the step that it is at and writes its state; wait for that.
                process.send_signal(signal.SIGINT)
                process.wait()
                raise
        if check and result.code != 0:
            raise failure(result, what=f"pulumi {' '.join(args[:2])}")
        return result

    def stacks(self) -> list[dict[str, Any]]:
        """Every stack of this backend: `{name, lastUpdate, updateInProgress, resourceCount}`, None where unknown."""
        result = self.run(["stack", "ls", "--json"], timeout_s=60, check=False)
        if result.code == 0:
            raw = json.loads(result.out or "[]")
        else:
            error = failure(result, what="the list of stacks")
            found = stack_files.stacks(self.env) if error.id == "STK-STATE" else None
            if found is None:
                raise error
            raw = found
        return sorted(raw, key=lambda entry: entry["name"])

    def names(self) -> list[str]:
        """The names of the stacks."""
        return [entry["name"] for entry in self.stacks()]

    def create(self, stack: str, *, secrets_provider: str) -> None:
        """Create the stack, empty. Repeating it changes nothing."""
        if stack not in self.names():
            provider = [] if secrets_provider == "passphrase" else ["--secrets-provider", secrets_provider]
            self.run(["stack", "init", stack, "--non-interactive", *provider], timeout_s=60)

    def ensure(self, stack: str, *, fleet: Path, secrets_provider: str) -> None:
        """Create the stack and set its one configuration key. Repeating it changes nothing."""
        self.create(stack, secrets_provider=secrets_provider)
        if self._settings_of(stack).get("config", {}).get("twain:fleet") == str(fleet):
            return
        self.run(["config", "set", "twain:fleet", str(fleet), "--stack", stack, "--non-interactive"], timeout_s=60)

    def preview(self, stack: str, *, fleet: Path) -> dict[str, Any]:
        """The engine's own JSON: `changeSummary`, `steps`, `diagnostics`. Takes no lock and changes nothing: where the
        stack is set to another fleet, the engine gets a copy of its settings with this one.
        """
        with self._settings(stack, fleet) as settings:
            result = self.run(["preview", "--stack", stack, "--json", "--non-interactive", *settings], check=False)
        return self._document(result, what=f"preview of {stack}")

    def refresh_preview(self, stack: str) -> dict[str, Any]:
        """What the clouds have otherwise than the state, in the engine's own JSON. Takes no lock, changes nothing."""
        args = ["refresh", "--preview-only", "--json", "--stack", stack, "--non-interactive"]
        return self._document(self.run(args, check=False), what=f"the comparison of {stack} with its cloud")

    @staticmethod
    def _document(result: Result, *, what: str) -> dict[str, Any]:
        if result.code == 0:
            return _json(result.out, what=what)
        try:
            diagnostics = _json(result.out, what=what).get("diagnostics") or ()
        except errors.OutcomeUnknownError:
            raise failure(result, what=what) from None
        told = "\n".join(str(entry.get("message", "")) for entry in diagnostics)
        raise failure(Result(code=result.code, out=told, err=result.err), what=what)

    @contextmanager
    def _settings(self, stack: str, fleet: Path) -> Generator[list[str]]:
        import yaml

        settings = self._settings_of(stack)
        if settings.get("config", {}).get("twain:fleet") == str(fleet):
            yield []
            return
        settings.setdefault("config", {})["twain:fleet"] = str(fleet)
        with tempfile.TemporaryDirectory(prefix="twain-") as folder:
            place = Path(folder) / f"Pulumi.{stack}.yaml"
            files.write_private(place, yaml.safe_dump(settings))
            yield ["--config-file", str(place)]

    def _settings_of(self, stack: str) -> dict[str, Any]:
        """What the stack's settings file holds; nothing where there is none."""
        import yaml

        try:
            project = yaml.safe_load((self.workspace / "Pulumi.yaml").read_bytes()) or {}
            own = self.workspace / str(project.get("stackConfigDir") or ".") / f"Pulumi.{stack}.yaml"
            return yaml.safe_load(own.read_bytes()) or {}
        except (OSError, yaml.YAMLError):
            return {}

    def up(self, stack: str, on_line: Callable[[str], None] | None = None, *, refresh: bool = False) -> Result:
        """Bring the stack up; with `refresh` every resource is asked for at its cloud first, and put back as declared.
        Raises LockHeldError, PolicyError, AuthError, ResourceError.
        """
        return self._change(["up", "--yes", "--skip-preview", *(["--refresh"] if refresh else [])], stack, on_line)

    def up_only(
        self,
        stack: str,
        urns: Sequence[str],
        *,
        fleet: Path,
        env: dict[str, str],
        on_line: Callable[[str], None] | None = None,
    ) -> Result:
        """Bring these resources up from this fleet, and no other: what the fleet says of the rest stays undone."""
        with self._settings(stack, fleet) as settings:
            targets = [word for urn in urns for word in ("--target", urn)]
            own = replace(self, env={**self.env, **env})
            return own._change(["up", "--yes", "--skip-preview", *settings, *targets], stack, on_line)  # noqa: SLF001

    def take_in(self, stack: str, args: Sequence[str]) -> Result:
        """`pulumi import`: what exists already becomes the stack's. Raises ResourceError where there is none."""
        return self._change(["import", *args, "--yes", "--skip-preview"], stack, None)

    def destroy(self, stack: str, on_line: Callable[[str], None] | None = None) -> Result:
        """Destroy what the stack holds; the stack itself and its history stay."""
        return self._change(["destroy", "--yes", "--skip-preview"], stack, on_line)

    def outputs(self, stack: str) -> dict[str, Any]:
        """The stack's outputs; secrets as `[secret]`."""
        result = self.run(["stack", "output", "--stack", stack, "--json"], timeout_s=60)
        return _json(result.out, what=f"the outputs of {stack}")

    def export(self, stack: str) -> dict[str, Any]:
        """The stack's deployment (state); secrets stay encrypted."""
        return _json(self.run(["stack", "export", "--stack", stack], timeout_s=120).out, what=f"the state of {stack}")

    def _change(self, verb: list[str], stack: str, on_line: Callable[[str], None] | None) -> Result:
        with self.locked(stack):
            self.keep_copy(stack)
            args = [*verb, "--stack", stack, "--non-interactive", "--color", "never"]
            result = self.run(args, on_line=on_line, check=False)
            if result.code != 0 and self._free_dead_lock(stack, result):
                result = self.run(args, on_line=on_line, check=False)
            for line in stack_pending.settle(self, stack, well=result.code == 0):
                (on_line or _silent)(line)
            if result.code != 0:
                raise failure(result, what=f"{verb[0]} of {stack}")
            return result

    def exported(self, stack: str, *, keep: bool = False) -> dict[str, Any] | None:
        """The stack's state as `pulumi stack export` gives it, secrets encrypted; None where it cannot be read. With
        `keep` a copy of it is put aside.
        """
        result = self.run(["stack", "export", "--stack", stack], timeout_s=120, check=False)
        if result.code != 0:
            return None
        if keep:
            stack_copies.keep(self.home, stack, result.out.encode())
        return _json(result.out, what=f"the state of {stack}") or None

    def import_state(self, stack: str, document: dict[str, Any]) -> None:
        """Replace the stack's state. The caller holds the lock and has kept a copy. Raises as `run` does."""
        with tempfile.TemporaryDirectory(prefix="twain-") as folder:
            place = Path(folder) / "state.json"
            files.write_private(place, json.dumps(document))
            self.run(["stack", "import", "--file", str(place), "--stack", stack, "--non-interactive"], timeout_s=120)

    def _free_dead_lock(self, stack: str, result: Result) -> bool:
        """Whether the engine's own lock was left by a process of this host that is dead, and has now been taken off.

        A living owner, or one on another host, is never overruled.
        """
        found = stack_locks.told_by(result.out + result.err)
        if not found or any(lock.owner != "dead" for lock in found):
            return False
        return self.run(["cancel", stack, "--yes", "--non-interactive"], timeout_s=60, check=False).code == 0

    @contextmanager
    def locked(self, stack: str) -> Generator[None]:
        """Hold this home's lock of a stack. Raises LockHeldError. The kernel frees it when we die."""
        folder = files.private_dir(self.home / "locks")
        descriptor = os.open(folder / f"{stack}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "r+") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                message = f"stack {stack} is being changed by process {stream.read().strip() or '?'} of this machine."
                raise errors.LockHeldError(message, where=stack, fix="wait until it has ended") from error
            stream.truncate(0)
            stream.write(f"{os.getpid()} since {datetime.now(UTC).isoformat(timespec='seconds')}")
            stream.flush()
            yield

    def keep_copy(self, stack: str) -> Path:
        """Copy the state aside. Raises ResourceError, with the copies that there are, for a state that cannot be read:
        then nothing may be changed.
        """
        result = self.run(["stack", "export", "--stack", stack], timeout_s=120, check=False)
        if result.code == 0:
            return stack_copies.keep(self.home, stack, result.out.encode())
        error = failure(result, what=f"reading the state of {stack}")
        if error.id == "STK-STATE":
            copies = stack_copies.told(stack_copies.found(self.home, stack), datetime.now(UTC))
            listed = "\n".join(copies) or "  none: it was never brought up from here"
            message = f"{error.message}\nCopies of it:\n{listed}"
            raise errors.ResourceError(message, fix=f"twain stack restore {stack}", id=error.id)
        raise error


def stack_name(env: str, cell: str, layer: str) -> str:
    """`<env>.<cell>.<layer>`. Raises UsageError when a part does not fit."""
    name = f"{env}.{cell}.{layer}"
    if not _NAME.match(name):
        message = f"{name!r} is no stack name: <env>.<cell>.<infra|platform>."
        raise errors.UsageError(message, id="CFG-STACK")
    return name


def failure(result: Result, *, what: str) -> errors.TwainError:
    """The error of a run that ended non-zero, by what the engine and our program wrote."""
    text = result.out + "\n" + result.err
    lower = text.lower()
    message = f"{what} failed ({result.code}):\n{result.words}"
    told = _told(text)
    rules = sorted(set(_RULE.findall(text)))
    if rules:
        found = f"{what}: residency forbids it ({', '.join(rules)}).\n{told or result.words}"
        return errors.PolicyError(found, fix="twain stack preview shows every violation", id=rules[0])
    specs = sorted(set(_SPEC.findall(text)))
    if specs:
        return errors.UsageError(f"{what}: {told}" if told else message, fix=_fix(told), id=specs[0])
    if "incorrect passphrase" in lower or "passphrase must be set" in lower or "invalid passphrase" in lower:
        return errors.AuthError(
            f"{what}: the passphrase of the state is wrong.", fix="twain stack env", id="AUTH-STATE"
        )
    if "currently locked by" in lower:
        owners = ", ".join(f"{user}@{host} (pid {pid})" for user, host, pid in _LOCK_OWNER.findall(text))
        fix = "wait for it; a dead owner's lock is taken off when its process is gone"
        return errors.LockHeldError(f"{what}: the state is locked by {owners or 'somebody'}.", fix=fix, id="LCK-STATE")
    if _UNREADABLE.search(text):
        fix = f"{'twain stack pulumi -- state repair, or ' if 'integrity' in lower else ''}twain stack restore"
        return errors.ResourceError(f"{what}: the state cannot be used.\n{_cut(result)}", fix=fix, id="STK-STATE")
    if "no space left on device" in lower:
        message = f"{what}: the disk is full; the state before is whole.\n{_cut(result)}"
        return errors.ResourceError(message, fix="free space, then run it again: it goes on", id="DSK-001")
    if "no stack named" in lower or "unknown stack" in lower:
        return errors.NotFoundError(
            message, fix="bring the infra layer up first: twain stack up --layer infra", id="STK-404"
        )
    return errors.ResourceError(message, fix="read the engine's words above; the run can be repeated", id="STK-FAILED")


def _cut(result: Result) -> str:
    """The engine's words without the report that it wants to be sent: that holds paths and settings."""
    return result.words.partition("\nYou can try to repair")[0].partition("\n====")[0]


def _told(text: str) -> str:
    """What our own program said, without the stack that the language host prints around it."""
    lines = [_PREFIX.sub("", line.strip()) for line in text.splitlines() if _RULE.search(line) or _SPEC.search(line)]
    return "\n".join(dict.fromkeys(lines))


def _fix(told: str) -> str:
    """The fix that our program named, else the usual one."""
    named = told.rpartition("Fix: ")
    return named[2].splitlines()[0] if named[1] else "correct the fleet file"


def _collect(process: subprocess.Popen[str], on_line: Callable[[str], None] | None, timeout_s: float | None) -> Result:
    if on_line is None:
        out, err = process.communicate(timeout=timeout_s)
        return Result(code=process.returncode, out=out, err=err or "")
    lines: list[str] = []
    assert process.stdout is not None  # noqa: S101 - Popen was asked for a pipe
    for line in process.stdout:
        lines.append(line)
        on_line(line.rstrip("\n"))
    return Result(code=process.wait(), out="".join(lines), err="")


def _silent(_line: str) -> None:
    """Nobody asked to be told."""


def _json(text: str, *, what: str) -> dict[str, Any]:
    """The JSON object that the engine answered with. Raises OutcomeUnknownError: an answer that cannot be read says
    neither that nothing differs nor that nothing is there.
    """
    try:
        raw = json.loads(text)
    except ValueError:
        raw = None
    if not isinstance(raw, dict):
        message = f"{what}: the engine ended well, and its answer cannot be read, so that nothing is known. It said: "
        told = text.strip()[:_SHOWN] or "nothing"
        fix = "run it again; twain stack pulumi -- version, and twain doctor, tell which engine this is"
        raise errors.OutcomeUnknownError(message + told, fix=fix, id="STK-ANSWER")
    return raw
