"""Plugins as processes: they start, they answer, and they end with whoever started them."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import grpc
import pytest
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2, provider_pb2, provider_pb2_grpc

from rehearsal.engine import install

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_PATIENCE_S = 30


@pytest.fixture
def executables(tmp_path: Path) -> dict[str, Path]:
    found = {path.name.removeprefix("pulumi-resource-"): path for path in install.install_providers(tmp_path)}
    return found | {"language": install.install_language_plugin(tmp_path)}


@pytest.fixture
def started(executables: dict[str, Path], tmp_path: Path) -> Iterator[dict[str, subprocess.Popen[str]]]:
    env = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "TWAIN_REHEARSAL_WORLD": str(tmp_path / "cn")}
    processes = {
        name: subprocess.Popen([path, "127.0.0.1:1"], env=env, stdout=subprocess.PIPE, text=True)
        for name, path in executables.items()
    }
    yield processes
    for process in processes.values():
        process.kill()
        process.communicate()


def port_of(process: subprocess.Popen[str]) -> int:
    assert process.stdout is not None
    ready, _write, _error = select.select([process.stdout], [], [], _PATIENCE_S)
    assert ready, "no port within the time"
    return int(process.stdout.readline())


def test_every_plugin_names_a_port_on_loopback_and_answers_there(started: dict[str, subprocess.Popen[str]]) -> None:
    for name, process in started.items():
        with grpc.insecure_channel(f"127.0.0.1:{port_of(process)}") as channel:
            if name == "language":
                about = language_pb2_grpc.LanguageRuntimeStub(channel).About(language_pb2.AboutRequest())
                assert about.executable == sys.executable
                continue
            stub = provider_pb2_grpc.ResourceProviderStub(channel)
            assert stub.Handshake(provider_pb2.ProviderHandshakeRequest()).accept_secrets
            assert stub.Attach(plugin_pb2.PluginAttach(address="x")) is not None
            assert stub.GetMapping(provider_pb2.GetMappingRequest(key="terraform")).provider == ""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_every_plugin_ends_when_it_is_told_to(
    started: dict[str, subprocess.Popen[str]], number: signal.Signals
) -> None:
    for process in started.values():
        port_of(process)
        process.send_signal(number)
    assert [process.wait(timeout=_PATIENCE_S) for process in started.values()] == [0] * len(started)


def test_every_plugin_ends_when_the_engine_is_killed(executables: dict[str, Path], tmp_path: Path) -> None:
    env = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "TWAIN_REHEARSAL_WORLD": str(tmp_path / "cn")}
    # The stand-in for the engine starts every plugin, hands on its process id once it serves, and waits to be killed.
    script = (
        "import subprocess, sys\n"
        "children = [subprocess.Popen([path, 'x'], stdout=subprocess.PIPE, text=True) for path in sys.argv[1:]]\n"
        "for child in children:\n"
        "    child.stdout.readline()\n"
        "    print(child.pid, flush=True)\n"
        "sys.stdin.read()\n"
    )
    engine = subprocess.Popen(
        [sys.executable, "-c", script, *map(str, executables.values())],
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert engine.stdout is not None
    watched = [os.pidfd_open(int(engine.stdout.readline())) for _ in executables]
    engine.kill()
    engine.communicate()
    for descriptor in watched:
        gone, _write, _error = select.select([descriptor], [], [], _PATIENCE_S)
        os.close(descriptor)
        assert gone, "a plugin outlived its engine"
