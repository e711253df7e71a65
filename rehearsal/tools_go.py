"""Compiles the pinned commands: which Go, in which environment, under which key, and what to say when it fails."""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from components.errors import TwainLibraryError
from rehearsal import tools_table as table

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence

TOOLS_SOURCE = Path(__file__).resolve().parent.parent / "tools"

SCRATCH_PREFIX = "tmp-"
# Go's own caches, kept below the tool cache while the wheel's Go builds: nine gigabytes that nobody else would clear.
_OWN_CACHES = {"GOCACHE": "go-build", "GOMODCACHE": "go-modules"}
_LAST_WORDS = 20
_PROBE_TIMEOUT_S = 30.0
_STOP_GRACE_S = 5.0
# Of the caller's Go settings only those that say where to fetch from and where to keep: others would change the result.
_KEPT_GO_VARIABLES = frozenset(
    {
        "GOPROXY",
        "GONOPROXY",
        "GOSUMDB",
        "GONOSUMDB",
        "GOPRIVATE",
        "GOINSECURE",
        "GOAUTH",
        "GOVCS",
        "GOMODCACHE",
        "GOCACHE",
        "GOPATH",
        "GOMAXPROCS",
        "GOGC",
        "GOMEMLIMIT",
    }
)
_SPARE_KIB_PER_CORE = 4 * 1024 * 1024
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)


class ToolBuildError(TwainLibraryError):
    """A tool could not be had: no Go, no module, or the compiler refused. The command line ends with code 4.

    `fix` is what to do next; the message holds the command and the last lines that it printed.
    """

    exit_code = 4

    def __init__(self, message: str, *, fix: str) -> None:
        self.fix = fix
        super().__init__(message)


@dataclass(frozen=True, kw_only=True)
class Go:
    """The compiler to use. `path` is None while the wheel is not installed yet."""

    version: str
    path: Path | None
    source: str


def module_key(module: table.ModuleSpec) -> str:
    """The first part of the cache folder's name: equal inputs (pins, flags, environment, machine) give equal names."""
    return _key(module.folder, [*module.flags, *(f"{k}={v}" for k, v in table.BUILD_ENVIRONMENT.items())])


def crds_key() -> str:
    """The name of the cache folder of the custom resource definitions, the charts' among them."""
    sources = [("", source) for source in table.CRDS] + [(chart.folder, chart.crds) for chart in table.CHARTS]
    return _key(
        table.CRDS_FOLDER,
        [f"{into}:{s.module}@{s.version}/{s.folder}/{name}" for into, s in sources for name in s.files],
    )


def build(
    module: table.ModuleSpec, tools: Sequence[table.ToolSpec], *, go: Go, into: Path, tick: Callable[[float], None]
) -> None:
    """Compiles `tools` of one module into the folder `into`, each under its own name.

    `tick` is called about once a second with the seconds so far. Raises ToolBuildError with the compiler's last words.
    """
    command = [str(go.path), "build", *module.flags, "-o", f"{into}{os.sep}", *(tool.package for tool in tools)]
    run_go(command, folder=module.folder, temporary=into, tick=tick)
    for tool in tools:
        if tool.built_as != tool.name:
            (into / tool.built_as).rename(into / tool.name)


def download(module: str, version: str, *, go: Go, folder: str, temporary: Path) -> Path:
    """The folder of a module's files, fetched and checked against the go.sum of `tools/<folder>`."""
    command = [str(go.path), "mod", "download", "-json", f"{module}@{version}"]
    answer = json.loads(run_go(command, folder=folder, temporary=temporary, tick=lambda _: None))
    if "Sum" not in answer or f"{module} {version} {answer['Sum']}" not in _read(folder, "go.sum"):
        msg = f"{module}@{version} is not what tools/{folder}/go.sum pins."
        raise ToolBuildError(
            msg,
            fix="do not use what came; find out which of the two was changed",
        )
    return Path(answer["Dir"])


def probe(path: Path, spec: table.ToolSpec) -> str | None:
    """The version that a binary reports when it is run; None when it does not run or does not say."""
    # A first run of pulumi would otherwise look for a newer one.
    environment = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"}
    try:
        done = subprocess.run(
            [str(path), *spec.probe],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=_PROBE_TIMEOUT_S,
            stdin=subprocess.DEVNULL,
            env=environment,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return spec.reads(done.stdout + done.stderr) if done.returncode == 0 else None


@contextlib.contextmanager
def scratch(cache: Path) -> Generator[Path]:
    """A folder on the cache's own file system, so that its contents can be renamed into place. Removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix=SCRATCH_PREFIX, dir=cache))
    try:
        yield folder
    finally:
        remove_tree(folder)


def has_own_caches(cache: Path) -> bool:
    """Whether the wheel's Go has left its caches here."""
    return any((cache / name).exists() for name in _OWN_CACHES.values())


def drop_own_caches(cache: Path) -> None:
    """Removes what the wheel's Go needed to build. Go on PATH uses the person's own caches, which stay. Absent: nothing
    to do.
    """
    for name in _OWN_CACHES.values():
        remove_tree(cache / name)


def remove_tree(folder: Path) -> None:
    """Removes a folder and all in it, also where Go has made it read-only. Absent: nothing to do."""
    if not folder.exists():
        return
    for parent, folders, _ in os.walk(folder):
        for name in folders:
            path = Path(parent, name)
            if not path.is_symlink():
                path.chmod(0o755)
    shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def fetching(module: table.ModuleSpec, *, go: Go, cache: Path) -> Generator[None]:
    """Fetches what the next module is made of while the caller compiles another one.

    Best effort: what fails or is not finished here is done, and reported, by the build that needs it.
    """
    tags = ("-tags", module.tags) if module.tags else ()
    command = [str(go.path), "list", "-deps", *tags, *(tool.package for tool in module.tools)]
    with scratch(cache) as folder:
        process = _start(command, folder=module.folder, temporary=folder)
        try:
            yield
        finally:
            _stop(process)


def run_go(command: Sequence[str], *, folder: str, temporary: Path, tick: Callable[[float], None]) -> str:
    """Runs one Go command in `tools/<folder>` and gives its standard output. It does not outlive this process."""
    began = time.monotonic()
    process = _start(command, folder=folder, temporary=temporary)
    try:
        while True:
            tick(time.monotonic() - began)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=1.0)
                break
    finally:
        _stop(process)
    said = (temporary / "stdout").read_text(errors="replace")
    if process.returncode != 0:
        # `go mod download -json` writes its errors to standard output.
        words = (temporary / "stderr").read_text(errors="replace") + said
        raise _failure(command, folder=folder, words=words)
    return said


def _start(command: Sequence[str], *, folder: str, temporary: Path) -> subprocess.Popen[bytes]:
    parent = os.getpid()

    def die_with_parent() -> None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)

    with (temporary / "stderr").open("wb") as errors, (temporary / "stdout").open("wb") as output:
        return subprocess.Popen(
            command,
            cwd=TOOLS_SOURCE / folder,
            env=_environment(temporary, compiler=Path(command[0])),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
            start_new_session=True,
            preexec_fn=die_with_parent,  # noqa: PLW1509 -- one thread here; nothing else binds a child's life to ours
        )


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(timeout=_STOP_GRACE_S)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _failure(command: Sequence[str], *, folder: str, words: str) -> ToolBuildError:
    shown = " ".join(f"'{part}'" if " " in part else part for part in command)
    if "no space left on device" in words:
        fix = "free disk space (a cold build needs about 8 GiB), or set TWAIN_TOOL_CACHE and GOCACHE to a larger disk"
    elif "dial tcp" in words or "i/o timeout" in words or "no such host" in words:
        fix = "check the network and the Go module proxy setting (`go env GOPROXY`), then run the same command again"
    elif "SECURITY ERROR" in words or "checksum mismatch" in words:
        fix = "do not go on: what was downloaded is not what go.sum pins"
    else:
        fix = "run the command shown above in that folder; a built tool of the right version on PATH is used instead"
    return ToolBuildError(
        f"Building from tools/{folder} failed.\n{last_words(words)}\nThe command was: {shown}", fix=fix
    )


def last_words(words: str) -> str:
    """The end of what a command printed, indented; downloads are no news."""
    lines = [line for line in words.splitlines() if line.strip() and not line.startswith("go: downloading ")]
    return "\n".join(f"  {line}" for line in lines[-_LAST_WORDS:]) or "  (it printed nothing)"


def _environment(temporary: Path, *, compiler: Path) -> Mapping[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("GO") or k in _KEPT_GO_VARIABLES}
    cache = temporary.parent
    own = _OWN_CACHES if compiler.is_relative_to(cache) else {}
    home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    # Go reads its telemetry switch from the configuration folder only, so it gets one of ours that says off; the
    # person's own settings file (which may name a proxy) stays in force through GOENV.
    config = temporary / "config"
    (config / "go" / "telemetry").mkdir(parents=True, exist_ok=True)
    (config / "go" / "telemetry" / "mode").write_text("off\n")
    return {
        **_collector_settings(),
        **{variable: str(cache / name) for variable, name in own.items()},
        **kept,
        **table.BUILD_ENVIRONMENT,
        "GOENV": os.environ.get("GOENV") or str(home / "go" / "env"),
        "XDG_CONFIG_HOME": str(config),
        "GOTMPDIR": str(temporary),
    }


def _collector_settings() -> Mapping[str, str]:
    """The compiler's garbage collector is a third of its time, and most of its processes end before they need one.

    Where each core has memory to spare it is off, up to a limit per process that only the largest packages come near.
    """
    try:
        facts = Path("/proc/meminfo").read_text()
    except OSError:
        return {}
    available = re.search(r"^MemAvailable:\s+(\d+) kB", facts, re.MULTILINE)
    if available is None or int(available.group(1)) < _SPARE_KIB_PER_CORE * (os.cpu_count() or 1):
        return {}
    return {"GOGC": "off", "GOMEMLIMIT": "3GiB"}


def _key(folder: str, parts: Sequence[str]) -> str:
    machine = (platform.system(), platform.machine())
    digest = hashlib.sha256()
    for part in (*machine, *parts, _read(folder, "go.mod"), _read(folder, "go.sum")):
        # The length goes in first: no two lists of parts may run together into the same bytes.
        digest.update(f"{len(part)}:{part}\n".encode())
    return f"{folder}-{digest.hexdigest()[:16]}"


def _read(folder: str, name: str) -> str:
    path = TOOLS_SOURCE / folder / name
    try:
        return path.read_text()
    except OSError as error:
        msg = f"{path} cannot be read: {error.strerror}."
        raise ToolBuildError(msg, fix="run from a whole checkout of the project") from error
