"""The ten commands of the rehearsal, by path: from PATH where the version fits, else built once from pinned modules.

Everything built lies in one cache outside the checkout (`$TWAIN_TOOL_CACHE`, by default below the user's cache folder):

    etcd-<hash>-go1.26.8/etcd, etcd.json     a command, and the receipt that says it is whole and was run
    crds-<hash>/*.yaml                       custom resource definitions of every cell
    crds-<hash>/keda-2.21.0/*.yaml           those of a chart that the rehearsal plays
    go-1.26.6-<hash>/                        the Go wheel, only on machines without Go
    lock, tmp-*/                             one builder at a time; what a killed one left is removed by the next

A command counts as built once its receipt exists, and the receipt is written last, so that a kill or a power cut at any
moment leaves either nothing or a whole command. Commands that are there already are not built again.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import sys
import time
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from rehearsal import tools_go as compiler
from rehearsal import tools_table as table
from rehearsal import tools_toolchain as toolchain
from rehearsal.tools_go import ToolBuildError
from rehearsal.tools_progress import Progress, to_stream

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

    ProgressSink = Callable[[Progress], None]

__all__ = [
    "Progress",
    "Tool",
    "ToolBuildError",
    "ToolStatus",
    "cache_folder",
    "chart_crds",
    "crds",
    "ensure",
    "inspect",
    "to_stream",
]

_LOCK = "lock"


@dataclass(frozen=True, kw_only=True)
class Tool:
    """A command that may be started; usable where a path is. `source` says how this call came by it."""

    name: str
    path: Path
    version: str
    source: Literal["PATH", "built", "cached"]

    def __fspath__(self) -> str:
        return str(self.path)


@dataclass(frozen=True, kw_only=True)
class ToolStatus:
    """What `ensure` would use for one command, without building it.

    `version` is what the command itself reports when run. `note` says why a command on PATH was passed over.
    """

    name: str
    pinned: str
    source: Literal["PATH", "cached", "missing"]
    path: Path | None = None
    version: str | None = None
    note: str = ""


def cache_folder() -> Path:
    """Where built tools are kept: `$TWAIN_TOOL_CACHE`, else `twain/tools` below the user's cache folder."""
    chosen = os.environ.get("TWAIN_TOOL_CACHE")
    if chosen:
        return Path(chosen).expanduser().absolute()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "twain" / "tools"


def ensure(names: Iterable[str] | None = None, *, progress: ProgressSink | None = None) -> dict[str, Tool]:
    """The commands asked for (all ten by default), built first where neither PATH nor the cache has them.

    A cold build of all takes some ten minutes on two cores; `progress` is told about it (see `to_stream`). Run again
    after a kill it goes on with what is missing; two at once build once. Raises ToolBuildError, and KeyError for a name
    that is no tool of ours.
    """
    wanted = [table.TOOLS[name] for name in (table.TOOLS if names is None else names)]
    cache = cache_folder()
    found = {spec.name: tool for spec in wanted if (tool := _on_path(spec) or _in_cache(spec, cache))}
    if len(found) < len(wanted):
        tell = progress or (lambda _: None)
        with _one_builder(cache, tell):
            # Another builder may have made some of them while this one waited.
            found |= {s.name: t for s in wanted if s.name not in found and (t := _in_cache(s, cache))}
            missing = [spec for spec in wanted if spec.name not in found]
            found |= _build(missing, cache=cache, tell=tell)
            if compiler.has_own_caches(cache) and all(
                _on_path(spec) or _in_cache(spec, cache) for spec in table.TOOLS.values()
            ):
                compiler.drop_own_caches(cache)
    return {spec.name: found[spec.name] for spec in wanted}


def inspect() -> list[ToolStatus]:
    """What would be used for each of the ten, in the order of building. Builds and writes nothing; runs each once."""
    cache = cache_folder()
    return [_inspect(spec, cache) for spec in table.TOOLS.values()]


def crds(*, progress: ProgressSink | None = None) -> list[Path]:
    """The YAML files of the custom resource definitions that a cell needs, fetched once and checked against go.sum.

    Gateway API (standard channel): GatewayClass, Gateway, HTTPRoute. Inference extension: InferencePool.
    """
    return sorted(_crds(progress).glob("*.yaml"))


def chart_crds(chart: table.ChartSource, *, progress: ProgressSink | None = None) -> list[Path]:
    """The YAML files of the custom resource definitions that a chart of the closed list installs."""
    return sorted((_crds(progress) / chart.folder).glob("*.yaml"))


def _crds(progress: ProgressSink | None) -> Path:
    cache = cache_folder()
    target = cache / compiler.crds_key()
    if not target.is_dir():
        tell = progress or (lambda _: None)
        with _one_builder(cache, tell):
            if not target.is_dir():
                _fetch_crds(target, cache=cache, tell=tell)
                compiler.drop_own_caches(cache)
    return target


def _on_path(spec: table.ToolSpec) -> Tool | None:
    path, version = _candidate(spec)
    if path is None or version is None or not table.fits(version, spec.version):
        return None
    return Tool(name=spec.name, path=path, version=version, source="PATH")


def _candidate(spec: table.ToolSpec) -> tuple[Path | None, str | None]:
    found = shutil.which(spec.name)
    if found is None:
        return None, None
    path = Path(found).absolute()
    if path.resolve().is_relative_to(cache_folder().resolve()):
        # A rehearsal puts links to its tools first on PATH; these are answered for by their receipts.
        return None, None
    facts = path.stat()
    return path, _probed(path, spec, (facts.st_mtime_ns, facts.st_size))


@lru_cache(maxsize=64)
def _probed(path: Path, spec: table.ToolSpec, _unchanged: tuple[int, int]) -> str | None:
    return compiler.probe(path, spec)


def _in_cache(spec: table.ToolSpec, cache: Path) -> Tool | None:
    # Any Go that was new enough made the same command of the same sources, so a newer Go on the machine does not cost
    # ten minutes; the folder with the newest is preferred.
    for folder in sorted(cache.glob(f"{compiler.module_key(table.MODULE_OF[spec.name])}-go*"), reverse=True):
        path = folder / spec.name
        try:
            receipt = json.loads((folder / f"{spec.name}.json").read_text())
            whole = path.stat().st_size == receipt["size"] and os.access(path, os.X_OK)
        except (OSError, ValueError, KeyError):
            continue
        if whole:
            return Tool(name=spec.name, path=path, version=receipt["version"], source="cached")
    return None


def _inspect(spec: table.ToolSpec, cache: Path) -> ToolStatus:
    path, version = _candidate(spec)
    note = ""
    if path is not None:
        tool = _on_path(spec)
        if tool is not None:
            return ToolStatus(name=spec.name, pinned=spec.version, source="PATH", path=tool.path, version=tool.version)
        note = f"passed over {path}: {'version ' + version if version else 'it does not say its version'}"
    tool = _in_cache(spec, cache)
    if tool is None:
        return ToolStatus(name=spec.name, pinned=spec.version, source="missing", note=note)
    ran = compiler.probe(tool.path, spec)
    if ran is None:
        note = f"{tool.path} does not run; remove {tool.path.parent} to have it built again"
    return ToolStatus(name=spec.name, pinned=spec.version, source="cached", path=tool.path, version=ran, note=note)


def _build(missing: list[table.ToolSpec], *, cache: Path, tell: ProgressSink) -> dict[str, Tool]:
    built: dict[str, Tool] = {}
    if not missing:
        return built
    go = _go(cache, tell)
    modules = [module for module in table.MODULES if any(spec in missing for spec in module.tools)]
    with contextlib.ExitStack() as fetches:
        for module, following in zip(modules, [*modules[1:], None], strict=True):
            specs = [spec for spec in module.tools if spec in missing]
            event = Progress(
                subject=", ".join(spec.name for spec in specs),
                state="working",
                number=len(built) + 1,
                total=len(missing),
            )
            with _reported(event, tell) as tick, compiler.scratch(cache) as folder:
                if following is not None:
                    fetches.enter_context(compiler.fetching(following, go=go, cache=cache))
                compiler.build(module, specs, go=go, into=folder, tick=tick)
                kept = cache / f"{compiler.module_key(module)}-go{go.version}"
                built |= {spec.name: _keep(folder / spec.name, spec, into=kept) for spec in specs}
    return built


def _go(cache: Path, tell: ProgressSink) -> compiler.Go:
    go = toolchain.find_go(cache)
    if go.path is not None:
        return go
    with _reported(Progress(subject=f"the Go toolchain {go.version}", state="working", fetched=True), tell):
        return toolchain.install_go(cache)


def _keep(path: Path, spec: table.ToolSpec, *, into: Path) -> Tool:
    """Runs a fresh command once, then puts it and its receipt in place, both on disk before they are visible."""
    version = compiler.probe(path, spec)
    if version is None or version != spec.version:
        msg = f"The freshly built {spec.name} reports {version or 'no version'} instead of {spec.version}."
        raise ToolBuildError(
            msg,
            fix="check that the versions in rehearsal/tools_table.py and in tools/*/go.mod agree",
        )
    into.mkdir(exist_ok=True)
    target = into / spec.name
    _sync(path)
    path.replace(target)
    receipt = path.with_suffix(".json")
    receipt.write_text(json.dumps({"size": target.stat().st_size, "version": version}))
    _sync(receipt)
    receipt.replace(into / receipt.name)
    _sync(into)
    return Tool(name=spec.name, path=target, version=version, source="built")


def _fetch_crds(target: Path, *, cache: Path, tell: ProgressSink) -> None:
    go = _go(cache, tell)
    event = Progress(subject="custom resource definitions", state="working", fetched=True)
    with _reported(event, tell), compiler.scratch(cache) as folder:
        staged = folder / "crds"
        wanted = [(staged, source) for source in table.CRDS]
        wanted += [(staged / chart.folder, chart.crds) for chart in table.CHARTS]
        for into, source in wanted:
            into.mkdir(parents=True, exist_ok=True)
            origin = compiler.download(source.module, source.version, go=go, folder=table.CRDS_FOLDER, temporary=folder)
            for name in source.files:
                shutil.copyfile(origin / source.folder / name, into / name)
                _sync(into / name)
            _sync(into)
        _sync(staged)
        staged.rename(target)


@contextlib.contextmanager
def _reported(event: Progress, tell: ProgressSink) -> Generator[Callable[[float], None]]:
    """Tells how a piece of work ends. Gives the function that is to be called with the seconds so far."""
    began = time.monotonic()
    tell(event)
    try:
        yield lambda seconds: tell(replace(event, seconds=seconds))
    except BaseException:
        tell(replace(event, state="failed", seconds=time.monotonic() - began))
        raise
    tell(replace(event, state="done", seconds=time.monotonic() - began))


@contextlib.contextmanager
def _one_builder(cache: Path, tell: ProgressSink) -> Generator[None]:
    """Holds the cache's lock. The kernel drops it with the process, so a killed builder never blocks the next one."""
    try:
        cache.mkdir(parents=True, exist_ok=True)
        handle = (cache / _LOCK).open("a+")
    except OSError as error:
        msg = f"The tool cache {cache} cannot be written: {error.strerror}."
        raise ToolBuildError(
            msg,
            fix="set TWAIN_TOOL_CACHE to a folder that you may write to",
        ) from error
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.seek(0)
            owner = handle.read().strip() or "unknown"
            tell(Progress(subject="another builder", state="waiting", detail=f"process {owner} holds {cache / _LOCK}"))
            fcntl.flock(handle, fcntl.LOCK_EX)
        handle.truncate(0)
        handle.write(str(os.getpid()))
        handle.flush()
        for left in cache.glob(f"{compiler.SCRATCH_PREFIX}*"):
            compiler.remove_tree(left)
        yield


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def main() -> int:
    """`python -m rehearsal.tools`: makes sure that all is there, with the progress on standard error."""
    show = to_stream()
    try:
        ensure(progress=show)
        crds(progress=show)
    except ToolBuildError as error:
        sys.stderr.write(f"{error}\nFix: {error.fix}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
