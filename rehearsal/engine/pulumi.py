"""Runs the real engine on one world's workspace. The same commands typed in `twain rehearse shell` do the same."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rehearsal.engine.workspace import PROJECT, Workspace

if TYPE_CHECKING:
    from collections.abc import Sequence

OnLine = Callable[[str], None]
_STOP_GRACE_S = 20.0
_PRIVATE_UMASK = 0o077
_MANY_MINUTES_S = 1800.0


class EngineError(RuntimeError):
    """The engine ended non-zero. `result` holds its status and output."""

    def __init__(self, message: str, *, result: subprocess.CompletedProcess[str]) -> None:
        super().__init__(message)
        self.result = result


class EngineTimeoutError(RuntimeError):
    """The engine did not end in time and was stopped; what it had created is in the stack's state."""


class Engine:
    """The engine of one world. Stateless but for paths: two at once on different stacks do not meet."""

    def __init__(
        self, world_dir: Path, checkout: Path, *, pulumi: Path | None = None, program_dir: Path | None = None
    ) -> None:
        """`checkout/stacks` is the program unless `program_dir` names another; `pulumi` defaults to the rehearsal's
        own."""
        self.workspace = Workspace(world_dir=world_dir, program_dir=program_dir or checkout / "stacks")
        self._pulumi = pulumi

    def prepare(self) -> None:
        """Generate the workspace; repeatable."""
        self.workspace.prepare()

    def env(self) -> dict[str, str]:
        """The environment in which the engine runs, for a shell that types the same commands."""
        return self.workspace.environment()

    def run(
        self,
        args: Sequence[str],
        *,
        stack: str | None = None,
        timeout_s: float = _MANY_MINUTES_S,
        on_line: OnLine | None = None,
        check: bool = False,
    ) -> subprocess.CompletedProcess[str]:
        """Run `pulumi ARGS` in the workspace; `on_line` sees each line of both streams as it comes.

        Returns status, standard output and standard error. Raises `EngineError` on a non-zero status when `check`, and
        `EngineTimeoutError` after `timeout_s`: the engine is first asked to stop (so that state is written), then
        killed with everything it started.
        """
        command = [str(self._executable()), *args, "--non-interactive", "--color", "never"]
        if stack is not None:
            command += ["--stack", stack]
        process = subprocess.Popen(
            command,
            cwd=self.workspace.directory,
            env=self.env(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            umask=_PRIVATE_UMASK,
            # Its own process group: a Ctrl-C reaches the engine by us, once, and a kill reaches all that it started.
            process_group=0,
        )
        output: list[str] = []
        errors: list[str] = []
        readers = [_reader(process.stdout, output, on_line), _reader(process.stderr, errors, on_line)]
        try:
            process.wait(timeout=timeout_s)
        except subprocess.TimeoutExpired as error:
            self._stop(process)
            message = f"pulumi {' '.join(args)} took longer than {timeout_s:g} s"
            raise EngineTimeoutError(message) from error
        except BaseException:
            self._stop(process)
            raise
        finally:
            for reader in readers:
                reader.join()
        result = subprocess.CompletedProcess(command, process.returncode, "".join(output), "".join(errors))
        if check and result.returncode != 0:
            tail = (result.stderr.strip() or result.stdout.strip())[-4000:]
            message = f"pulumi {' '.join(args)} ended with status {result.returncode}: {tail}"
            raise EngineError(message, result=result)
        return result

    def stack_init(self, name: str) -> None:
        """Create stack `name`, or do nothing when it exists."""
        if name not in self.stacks():
            self.run(["stack", "init", name], check=True, timeout_s=60)

    def stacks(self) -> list[str]:
        """The names of the stacks in this world's state."""
        listed = self.run(["stack", "ls", "--json"], check=True, timeout_s=60)
        return [str(entry["name"]) for entry in json.loads(listed.stdout)]

    def config_set(self, key: str, value: str, *, stack: str) -> None:
        """Set one plain configuration value."""
        self.run(["config", "set", key, value], stack=stack, check=True, timeout_s=60)

    def release_dead_locks(self, stack: str) -> int:
        """Remove the locks that killed engines of this machine left; returns how many. A living one's stays."""
        folder = self.workspace.state_dir / ".pulumi" / "locks" / "organization" / PROJECT / stack
        released = 0
        for file in folder.glob("*.json"):
            try:
                holder = json.loads(file.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                continue
            if holder.get("hostname") == socket.gethostname() and not _is_engine(int(holder.get("pid", 0))):
                file.unlink(missing_ok=True)
                released += 1
        return released

    def up(
        self,
        stack: str,
        *,
        on_line: OnLine | None = None,
        extra: Sequence[str] = (),
        check: bool = True,
        preview_first: bool = False,
    ) -> subprocess.CompletedProcess[str]:
        """`pulumi up --yes`; repeatable, resumes what a killed run left.

        Without `preview_first` the engine goes to work at once: half the time, but a refusal that a preview would have
        shown comes after what was declared before it exists already.
        """
        self.release_dead_locks(stack)
        skip = () if preview_first else ("--skip-preview",)
        return self.run(["up", "--yes", *skip, *extra], stack=stack, on_line=on_line, check=check)

    def preview(
        self, stack: str, *, on_line: OnLine | None = None, extra: Sequence[str] = (), check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """`pulumi preview`; changes nothing."""
        return self.run(["preview", *extra], stack=stack, on_line=on_line, check=check)

    def destroy(
        self, stack: str, *, on_line: OnLine | None = None, extra: Sequence[str] = (), check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """`pulumi destroy --yes`; of an empty stack it does nothing."""
        self.release_dead_locks(stack)
        return self.run(["destroy", "--yes", "--skip-preview", *extra], stack=stack, on_line=on_line, check=check)

    def outputs(self, stack: str) -> dict[str, Any]:
        """The stack's outputs, secrets masked."""
        return json.loads(self.run(["stack", "output", "--json"], stack=stack, check=True, timeout_s=60).stdout)

    def export(self, stack: str) -> dict[str, Any]:
        """The stack's state as the engine exports it (secrets stay encrypted)."""
        return json.loads(self.run(["stack", "export"], stack=stack, check=True, timeout_s=60).stdout)

    def _executable(self) -> Path:
        if self._pulumi is None:
            linked = self.workspace.home.bin / "pulumi"
            if linked.exists():
                self._pulumi = linked
            else:
                from rehearsal import tools

                self._pulumi = tools.ensure(("pulumi",))["pulumi"].path
        return self._pulumi

    @staticmethod
    def _stop(process: subprocess.Popen[str]) -> None:
        """Ask the engine to cancel and write its state; after the grace time kill its whole group."""
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(timeout=_STOP_GRACE_S)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _is_engine(pid: int) -> bool:
    """Whether this process lives and is an engine: a process id may have gone to somebody else meanwhile."""
    try:
        return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip() == "pulumi"
    except OSError:
        return False


def _reader(stream: Any, into: list[str], on_line: OnLine | None) -> threading.Thread:
    def read() -> None:
        for line in stream:
            into.append(line)
            if on_line is not None:
                on_line(line.rstrip("\n"))
        stream.close()

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    return thread
