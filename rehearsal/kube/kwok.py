"""kwokctl's binary runtime: create, start, find and stop the four processes of one control plane.

Two traps decide the shape. By default kwokctl binds every port to all addresses, etcd without authentication among
them: the configuration below binds to 127.0.0.1. And kwokctl trusts its pid files, though numbers are reused: processes
are found by the path of their program instead, and stale pid files are removed before a start.
"""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from rehearsal.kube import processes
from rehearsal.kube.cellfile import CellError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rehearsal.kube.cellfile import Folders

COMPONENTS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
_WAIT = 40
_ATTEMPTS = 3
_FIRST_PORT, _LAST_PORT = 20000, 32000
# The cloud itself: its components and the cell's agent.
_OWN_USERS = ["kwok-admin", "system:apiserver"]
_AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        # The control plane's own heartbeat and events would be nine lines of ten.
        {
            "level": "None",
            "users": _OWN_USERS,
            "resources": [
                {"group": "coordination.k8s.io"},
                {"group": "events.k8s.io"},
                {"group": "", "resources": ["events"]},
            ],
        },
        {"level": "None", "users": _OWN_USERS, "verbs": ["get", "list", "watch"]},
        {"level": "None", "nonResourceURLs": ["/healthz*", "/readyz*", "/livez*", "/metrics"]},
        {"level": "Metadata"},
    ],
}


@dataclass(frozen=True, kw_only=True)
class Ports:
    """The five ports of one control plane."""

    etcd: int
    etcd_peer: int
    apiserver: int
    controller_manager: int
    scheduler: int


def choose_ports() -> Ports:
    """Five ports of 127.0.0.1 that the kernel lets us bind, held open together so that no two are equal.

    They lie below the range from which the kernel serves outgoing connections: a stopped control plane comes back to
    the same ports, and meanwhile nobody's connection may sit on one.
    """
    sockets: list[socket.socket] = []
    try:
        while len(sockets) < 5:
            one = socket.socket()
            sockets.append(one)
            try:
                one.bind(("127.0.0.1", _FIRST_PORT + secrets.randbelow(_LAST_PORT - _FIRST_PORT)))
            except OSError:
                sockets.pop().close()
        numbers = [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()
    return Ports(
        etcd=numbers[0],
        etcd_peer=numbers[1],
        apiserver=numbers[2],
        controller_manager=numbers[3],
        scheduler=numbers[4],
    )


def configuration(ports: Ports) -> str:
    """The KwokctlConfiguration (YAML): loopback only, and the one port that has no flag."""
    return yaml.safe_dump(
        {
            "apiVersion": "config.kwok.x-k8s.io/v1alpha1",
            "kind": "KwokctlConfiguration",
            "options": {"bindAddress": "127.0.0.1", "etcdPeerPort": ports.etcd_peer},
        }
    )


def create_arguments(place: Folders, ports: Ports, tools: dict[str, Path], more: Sequence[str] = ()) -> list[str]:
    """The kwokctl command line that creates and starts a control plane; `more` is an argument of each program of
    Kubernetes.
    """
    extra = (
        *(f"{name}={argument}" for name in COMPONENTS[1:] for argument in more),
        "kube-apiserver=kubelet-preferred-address-types=InternalIP",
        f"kube-apiserver=audit-policy-file={place.root / 'audit-policy.yaml'}",
        f"kube-apiserver=audit-log-path={place.audit}",
        "kube-apiserver=audit-log-maxsize=64",
        "kube-apiserver=audit-log-maxbackup=1",
        # A rehearsal survives a killed process, not a power cut: without this every write waits for the disk.
        "etcd=unsafe-no-fsync=true",
    )
    arguments = [str(tools["kwokctl"]), "create", "cluster", "--name", place.cell]
    arguments += ["--config", str(place.root / "kwokctl.yaml"), "--runtime", "binary"]
    for name in COMPONENTS:
        arguments += [f"--{name}-binary", str(tools[name])]
    arguments += ["--etcd-port", str(ports.etcd), "--kube-apiserver-port", str(ports.apiserver)]
    arguments += ["--kube-controller-manager-port", str(ports.controller_manager)]
    arguments += ["--kube-scheduler-port", str(ports.scheduler)]
    arguments += ["--disable", "kwok-controller", "--heartbeat-factor", "1"]
    for item in extra:
        arguments += ["--extra-args", item]
    return [*arguments, "--kubeconfig", str(place.root / "kwokctl.kubeconfig"), "--wait", f"{_WAIT}s"]


def _run(arguments: list[str], place: Folders) -> None:
    """One kwokctl command, detached from the caller's process group, its words in `kwokctl.log`."""
    log = place.root / "kwokctl.log"
    environment = {key: os.environ[key] for key in ("PATH", "TMPDIR", "LANG") if key in os.environ}
    environment["KWOK_WORKDIR"] = str(place.kwok)
    # What the control plane's processes carry is how the rehearsal finds them again.
    environment["TWAIN_REHEARSAL_HOME"] = str(place.world.parent)
    # kwokctl runs kubectl, which keeps what it discovers below the home folder.
    environment["HOME"] = str(place.root)
    with log.open("ab") as output:
        try:
            done = subprocess.run(
                arguments,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
                cwd=place.root,
                start_new_session=True,
                timeout=_WAIT + 30,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            message = (
                f"cell {place.cell}: kwokctl {arguments[1]} gave no answer in {_WAIT + 30} s; its words are in {log}"
            )
            raise CellError(message) from error
    if done.returncode != 0:
        tail = log.read_text(encoding="utf-8", errors="replace")[-600:]
        message = f"cell {place.cell}: kwokctl {arguments[1]} ended with {done.returncode}; its last words: {tail}"
        raise CellError(message)


def running(place: Folders) -> dict[str, processes.Process]:
    """The control plane's running processes by component."""
    found = processes.with_program_under(place.cluster / "bin")
    return {name: found[name][0] for name in COMPONENTS if name in found}


def stop(place: Folders) -> None:
    """Stop every process of the control plane, the store last, and keep the data. Safe to repeat.

    First a kwokctl whose caller was killed: it would go on starting what is stopped here.
    """
    processes.stop(processes.carrying("KWOK_WORKDIR", str(place.kwok)).get("kwokctl", []), grace=0)
    for names in (COMPONENTS[1:], COMPONENTS[:1]):
        found = processes.with_program_under(place.cluster / "bin")
        processes.stop([one for name in names for one in found.get(name, [])], grace=5.0)
    for name in COMPONENTS:
        (place.cluster / "pids" / f"{name}.pid").unlink(missing_ok=True)


def start(place: Folders, tools: dict[str, Path]) -> None:
    """Start the control plane on the data that is there. Raises CellError.

    All of it anew: a process that is just dying still has its number, and kwokctl would take it for running.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        stop(place)
        try:
            _run([str(tools["kwokctl"]), "start", "cluster", "--name", place.cell, "--wait", f"{_WAIT}s"], place)
        except CellError:
            if attempt == _ATTEMPTS:
                raise
        else:
            return


def create(place: Folders, tools: dict[str, Path], more: Sequence[str] = ()) -> Ports:
    """Create and start a control plane in an empty folder. A port taken between choosing and binding is met with fresh
    ports, a few times. Raises CellError.
    """
    (place.root / "audit-policy.yaml").write_text(yaml.safe_dump(_AUDIT_POLICY), encoding="utf-8")
    for attempt in range(1, _ATTEMPTS + 1):
        ports = choose_ports()
        (place.root / "kwokctl.yaml").write_text(configuration(ports), encoding="utf-8")
        try:
            _run(create_arguments(place, ports, tools, more), place)
        except CellError:
            wipe(place)
            if attempt == _ATTEMPTS:
                raise
            continue
        return ports
    message = "unreachable"
    raise AssertionError(message)


def wipe(place: Folders) -> None:
    """Stop the processes and remove KWOK_WORKDIR. Safe to repeat."""
    stop(place)
    # A process that was just ended may still have been writing: the folder is removed until it is gone, a few times.
    for _ in range(3):
        remove_tree(place.kwok)
        if not place.kwok.exists():
            return
        time.sleep(0.2)


def remove_tree(folder: Path) -> None:
    """Remove a folder with all beneath it; what vanishes meanwhile is no error. Links are not followed."""
    if not folder.is_dir() or folder.is_symlink():
        folder.unlink(missing_ok=True)
        return
    for current, names, files in os.walk(folder, topdown=False):
        for name in files:
            (Path(current) / name).unlink(missing_ok=True)
        for name in names:
            path = Path(current) / name
            if path.is_symlink():
                path.unlink(missing_ok=True)
            else:
                _remove_folder(path)
    _remove_folder(folder)


def _remove_folder(path: Path) -> None:
    try:
        path.rmdir()
    except FileNotFoundError:
        return
    except OSError:
        # Not empty: something was written meanwhile; the caller looks again.
        return
