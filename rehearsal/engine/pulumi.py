"""Runs the real engine on one world's workspace. The same commands typed in `twain rehearse shell` do the same."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rehearsal import killpoints, processes
from rehearsal.engine.workspace import PROJECT, Workspace

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

OnLine = Callable[[str], None]
_STOP_GRACE_S = 20.0
_PRIVATE_UMASK = 0o077
_MANY_MINUTES_S = 1800.0


# The engine's own variable: how many operations it has under way at once.
PARALLEL = "PULUMI_PARALLEL"


class _Running:
    """The engines that this process waits for, so that an interrupt reaches those of its other threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._processes: list[subprocess.Popen[str]] = []
        self._interrupted = False

    @contextlib.contextmanager
    def holding(self, process: subprocess.Popen[str]) -> Generator[None]:
        with self._lock:
            self._processes.append(process)
            late = self._interrupted
        if late:
            process.send_signal(signal.SIGINT)
        try:
            yield
        finally:
            with self._lock:
                self._processes.remove(process)

    def interrupt(self) -> None:
        with self._lock:
            self._interrupted = True
            for process in self._processes:
                process.send_signal(signal.SIGINT)


_RUNNING = _Running()


def interrupt() -> None:
    """Ask every engine that this process runs, or will run, to end what it is at, write its state and stop."""
    _RUNNING.interrupt()


def _of_this_run() -> dict[str, str]:
    """Marks the engine as ours for our time, and hands on where a test wants it killed and how much it does at once."""
    asked = {name: os.environ[name] for name in (killpoints.VARIABLE, PARALLEL) if os.environ.get(name)}
    return processes.run_mark() | asked


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
            env=self.env() | _of_this_run(),
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
            with _RUNNING.holding(process):
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
        # Not by listing: that reads every stack of the world, also one that another engine is just writing.
        if not self._checkpoint(name).exists():
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
            holder = _read(file)
            if holder is None:
                # Killed while it wrote the lock, or at this moment writing it.
                dead = not processes.engines(self.workspace.home.root)
            else:
                dead = holder.get("hostname") == socket.gethostname() and not _is_engine(int(holder.get("pid", 0)))
            if dead:
                file.unlink(missing_ok=True)
                file.with_name(f"{file.name}.attrs").unlink(missing_ok=True)
                released += 1
        return released

    def forget_pending(self, stack: str) -> int:
        """Take off what a killed engine had begun and not heard the end of; returns how many operations.

        The engine itself would carry pending creates in the state for ever. Here they need no person's decision: the
        emulated cloud knows what it has begun by its URN, and the next `up` adopts it.
        """
        known = _read(self._checkpoint(stack)) or {}
        pending = ((known.get("checkpoint") or {}).get("latest") or {}).get("pending_operations")
        if not pending:
            return 0
        document = self.export(stack)
        document["deployment"].pop("pending_operations", None)
        file = self.workspace.directory / f".{stack}.{os.getpid()}.json"
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                json.dump(document, stream)
            self.run(["stack", "import", "--file", str(file)], stack=stack, check=True, timeout_s=60)
        finally:
            file.unlink()
        return len(pending)

    def mend(self) -> list[str]:
        """Put right the state files that engines were killed in the middle of writing; returns the stacks.

        The engine overwrites a stack's file in place and keeps the one before beside it. What was made in between is
        in no state then; the emulated clouds know it by its URN and the next `up` adopts it. While an engine is at
        work nothing is touched: half a file may be the one that it is writing.
        """
        if processes.engines(self.workspace.home.root):
            return []
        folder = self.workspace.state_dir / ".pulumi"
        # Beside every file lie its attributes, in a file of their own; the engine does without, but not with half.
        for file in folder.rglob("*.attrs"):
            if _read(file) is None:
                file.unlink()
        meta = folder / "meta.yaml"
        if meta.is_file() and not meta.read_bytes().strip():
            meta.unlink()
        mended: list[str] = []
        for file in sorted(self._checkpoint("x").parent.glob("*.json")):
            if _read(file) is not None:
                continue
            before = file.with_name(f"{file.name}.bak")
            if _read(before) is None:
                # It never held a resource: a stack's first file is written when the stack is made.
                file.unlink()
            else:
                beside = file.with_name(f".{file.name}.{os.getpid()}")
                shutil.copyfile(before, beside)
                beside.chmod(0o600)
                beside.replace(file)
            file.with_name(f"{file.name}.attrs").unlink(missing_ok=True)
            mended.append(file.name.removesuffix(".json"))
        return mended

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
        self._recover(stack)
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
        self._recover(stack)
        return self.run(["destroy", "--yes", "--skip-preview", *extra], stack=stack, on_line=on_line, check=check)

    def outputs(self, stack: str) -> dict[str, Any]:
        """The stack's outputs, secrets masked."""
        return json.loads(self.run(["stack", "output", "--json"], stack=stack, check=True, timeout_s=60).stdout)

    def export(self, stack: str) -> dict[str, Any]:
        """The stack's state as the engine exports it (secrets stay encrypted)."""
        return json.loads(self.run(["stack", "export"], stack=stack, check=True, timeout_s=60).stdout)

    def _recover(self, stack: str) -> None:
        self.release_dead_locks(stack)
        self.forget_pending(stack)

    def _checkpoint(self, stack: str) -> Path:
        return self.workspace.state_dir / ".pulumi" / "stacks" / PROJECT / f"{stack}.json"

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
    """Whether this process lives and is an engine: a process id may have gone to somebody else meanwhile, and a killed
    one keeps its entry where the first process of a container does not collect it.
    """
    try:
        comm, state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").partition("(")[2].rsplit(") ", 1)
    except (OSError, ValueError):
        return False
    return comm == "pulumi" and state[0] not in "ZX"


def _read(file: Path) -> dict[str, Any] | None:
    """A JSON object, or None for a file that holds none."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


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
