"""`pulumi-language-python`: runs Python programs for the engine with the interpreter of this installation.

The engine starts it with its own address as the last argument, reads a port from the first line of output and speaks
the LanguageRuntime protocol to it. It installs nothing and names no required plugins, so the engine downloads nothing.
"""

# ruff: noqa: N802 - the methods carry the names of the engine's protocol
from __future__ import annotations

import asyncio
import importlib.metadata
import json
import os
import platform
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import grpc.aio
from google.protobuf import empty_pb2
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2

from rehearsal.engine.lifeline import announce, until_told_to_stop
from rehearsal.engine.program import SHOWN_TO_THE_USER

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_MESSAGE_LIMIT = [("grpc.max_receive_message_length", 400 * 1024 * 1024)]
_STOP_GRACE_S = 5.0
_ROOT = Path(__file__).resolve().parents[2]


class LanguageHost(language_pb2_grpc.LanguageRuntimeServicer):
    """One per engine run. `Run` may be called once per program; `RunPlugin` any number of times."""

    def __init__(self, engine_address: str) -> None:
        self._engine = engine_address
        self._children: set[asyncio.subprocess.Process] = set()

    async def Handshake(self, request: Any, context: Any) -> Any:
        if request.engine_address:
            self._engine = request.engine_address
        return language_pb2.LanguageHandshakeResponse()

    async def GetPluginInfo(self, request: Any, context: Any) -> Any:
        return plugin_pb2.PluginInfo(version=importlib.metadata.version("pulumi"))

    async def About(self, request: Any, context: Any) -> Any:
        return language_pb2.AboutResponse(executable=sys.executable, version=platform.python_version())

    async def GetRequiredPlugins(self, request: Any, context: Any) -> Any:
        return language_pb2.GetRequiredPluginsResponse()

    async def GetRequiredPackages(self, request: Any, context: Any) -> Any:
        return language_pb2.GetRequiredPackagesResponse()

    async def RuntimeOptionsPrompts(self, request: Any, context: Any) -> Any:
        return language_pb2.RuntimeOptionsResponse()

    async def GetProgramDependencies(self, request: Any, context: Any) -> Any:
        found = {
            str(dist.metadata["Name"]): dist.version
            for dist in importlib.metadata.distributions()
            if str(dist.metadata["Name"]).lower().startswith("pulumi")
        }
        return language_pb2.GetProgramDependenciesResponse(
            dependencies=[language_pb2.DependencyInfo(name=name, version=found[name]) for name in sorted(found)]
        )

    async def InstallDependencies(self, request: Any, context: Any) -> AsyncIterator[Any]:
        yield language_pb2.InstallDependenciesResponse(
            stdout=b"The packages of this installation are used; nothing to install.\n"
        )

    async def Cancel(self, request: Any, context: Any) -> Any:
        await self.stop_children()
        return empty_pb2.Empty()

    async def Run(self, request: Any, context: Any) -> Any:
        directory = request.info.program_directory or request.pwd
        program = str(Path(directory) / (request.info.entry_point or "."))
        payload = {
            "project": request.project,
            "stack": request.stack,
            "program": program,
            "args": list(request.args),
            "monitor": request.monitor_address,
            "engine": self._engine,
            "parallel": request.parallel,
            "preview": request.dryRun,
            "organization": request.organization or "organization",
            "config": dict(request.config),
            "secret_keys": list(request.configSecretKeys),
        }
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-u",
            "-m",
            "rehearsal.engine.program",
            cwd=request.pwd or directory,
            env=_child_environment(),
            stdin=asyncio.subprocess.PIPE,
            # Output of the program belongs to the engine's own streams, which it reads as the host's output.
            stdout=sys.stdout.fileno(),
            stderr=sys.stderr.fileno(),
        )
        self._children.add(child)
        try:
            await child.communicate(json.dumps(payload).encode())
            code = child.returncode
        except asyncio.CancelledError:
            await _stop(child)
            raise
        finally:
            self._children.discard(child)
        if code == SHOWN_TO_THE_USER:
            return language_pb2.RunResponse(bail=True)
        if code != 0:
            return language_pb2.RunResponse(error=f"The program ended with status {code}.")
        return language_pb2.RunResponse()

    async def RunPlugin(self, request: Any, context: Any) -> AsyncIterator[Any]:
        """Run a Python plugin (a policy pack, a component provider) and pass on what it prints."""
        directory = request.info.program_directory or request.program or request.pwd
        environment = _child_environment()
        environment.update(entry.split("=", 1) for entry in request.env if "=" in entry)
        entry_point = Path(directory) / (request.info.entry_point or ".")
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-u",
            str(entry_point),
            *request.args,
            cwd=request.pwd or directory,
            env=environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        self._children.add(child)
        queue: asyncio.Queue[Any] = asyncio.Queue(maxsize=64)
        streams = {"stdout": child.stdout, "stderr": child.stderr}
        pumps = [
            asyncio.create_task(_pump(stream, queue, name)) for name, stream in streams.items() if stream is not None
        ]
        try:
            open_streams = len(pumps)
            while open_streams:
                item = await queue.get()
                if item is None:
                    open_streams -= 1
                else:
                    yield item
            yield language_pb2.RunPluginResponse(exitcode=await child.wait())
        finally:
            for pump in pumps:
                pump.cancel()
            await _stop(child)
            self._children.discard(child)

    async def stop_children(self) -> None:
        """Stop what is still running; safe to call again."""
        for child in list(self._children):
            await _stop(child)


async def _pump(stream: asyncio.StreamReader, queue: asyncio.Queue[Any], field: str) -> None:
    while chunk := await stream.read(64 * 1024):
        if field == "stdout":
            await queue.put(language_pb2.RunPluginResponse(stdout=chunk))
        else:
            await queue.put(language_pb2.RunPluginResponse(stderr=chunk))
    await queue.put(None)


async def _stop(child: asyncio.subprocess.Process) -> None:
    if child.returncode is not None:
        return
    child.send_signal(signal.SIGTERM)
    try:
        await asyncio.wait_for(child.wait(), timeout=_STOP_GRACE_S)
    except TimeoutError:
        child.kill()
        await child.wait()


def _child_environment() -> dict[str, str]:
    """The host's environment, with this installation importable whatever the program's folder is."""
    environment = dict(os.environ)
    paths = [str(_ROOT), *(part for part in environment.get("PYTHONPATH", "").split(os.pathsep) if part)]
    environment["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(paths))
    return environment


async def serve(engine_address: str) -> None:
    """Serve until the engine ends or asks to stop; every child is gone on return."""
    parent = os.getppid()
    server = grpc.aio.server(options=_MESSAGE_LIMIT)
    host = LanguageHost(engine_address)
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    await until_told_to_stop(parent=parent, ready=lambda: announce(port))
    await host.stop_children()
    await server.stop(grace=0.2)


def main(arguments: list[str] | None = None) -> int:
    """The engine's address is the last argument that is no option; older options are accepted and ignored."""
    given = sys.argv[1:] if arguments is None else arguments
    addresses = [value for value in given if not value.startswith("-")]
    asyncio.run(serve(addresses[-1] if addresses else ""))
    return 0
