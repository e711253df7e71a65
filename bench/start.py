"""How long `twain --help` takes, and `twain status` up to the first byte sent.

    python bench/start.py [--rounds 20] [--kubectl PATH]

Compared with `python -c pass` (the interpreter of the same virtual environment) and `kubectl version --client`, all in
one interleaved run. `status` runs in a home made for the purpose: two cells of its own world and the gate of the other,
all of them one listener here, with a warm fleet cache and warm tokens. The clock starts before the process is made and
stops when the first byte (of the TLS greeting) has arrived; the connection is then closed, and the run ends by itself.
"""

from __future__ import annotations

import argparse
import json
import os
import selectors
import socket
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench import harness

FLEET = harness.ROOT / "stacks" / "fleets" / "rehearsal.yaml"
# Says that it is a credential plugin. Run once, by the run that warms the caches.
PLUGIN = """#!/bin/sh
echo '{"apiVersion":"client.authentication.k8s.io/v1beta1","kind":"ExecCredential",\
"status":{"token":"t","expirationTimestamp":"2099-01-01T00:00:00Z"}}'
"""


class Stage:
    """A home with everything that `status` reads, and a listener in the place of every cell."""

    def __init__(self, folder: Path) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.listener.setblocking(False)
        url = f"https://127.0.0.1:{self.listener.getsockname()[1]}"
        authority = certificate()
        home, tools = folder / "home", folder / "bin"
        (home / "cells").mkdir(parents=True)
        tools.mkdir()
        plugin = tools / "gke-gcloud-auth-plugin"
        plugin.write_text(PLUGIN)
        plugin.chmod(stat.S_IRWXU)
        for cell, cloud, region in (("eu-ams-1", "gcp", "europe-west4"), ("eu-par-1", "azure", "francecentral")):
            facts: dict[str, Any] = {
                "cell": cell,
                "world": "row",
                "cloud": cloud,
                "region": region,
                "endpoint": url,
                "ca": authority,
            }
            facts["exec"] = {"command": plugin.name, "args": [], "env": {}}
            (home / "cells" / f"{cell}.json").write_text(json.dumps(facts))
        (home / "cn.token").write_text("t")
        (home / "cn.token").chmod(stat.S_IRUSR | stat.S_IWUSR)
        gate = {"url": url, "token_file": "cn.token", "ca_pem": authority}
        context = {"world": "row", "identity": "sre", "fleet": str(FLEET), "gates": {"cn": gate}}
        (home / "contexts.json").write_text(json.dumps({"current": "bench", "contexts": {"bench": context}}))
        self.env = {"PATH": f"{tools}:/usr/bin:/bin", "HOME": str(folder), "TWAIN_HOME": str(home), "LANG": "C.UTF-8"}
        # Bytecode is written once, as an installed program has it.
        self.first_byte([*twain(), "status"])

    def first_byte(self, command: list[str]) -> float:
        """Seconds from making the process until a byte of it has arrived here."""
        began = time.perf_counter()
        process = subprocess.Popen(command, env=self.env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        arrived: float | None = None
        open_: dict[int, socket.socket] = {}
        with selectors.DefaultSelector() as selector:
            selector.register(self.listener, selectors.EVENT_READ)
            while process.poll() is None:
                for key, _ in selector.select(0.05):
                    if key.fd == self.listener.fileno():
                        connection = self.listener.accept()[0]
                        open_[connection.fileno()] = connection
                        selector.register(connection, selectors.EVENT_READ)
                        continue
                    arrived = arrived or time.perf_counter()
                    selector.unregister(key.fd)
                    open_.pop(key.fd).close()
        told = process.communicate()[1]
        if arrived is None:
            raise SystemExit(f"{' '.join(command)} sent nothing:\n{told.decode()}")
        return arrived - began

    def whole(self, command: list[str]) -> float:
        """Seconds from making the process until it has ended well."""
        began = time.perf_counter()
        subprocess.run(command, env=self.env, stdout=subprocess.DEVNULL, check=True)
        return time.perf_counter() - began


def certificate() -> str:
    """A certificate to trust. No handshake gets as far as using it."""
    from rehearsal import secrets

    with tempfile.TemporaryDirectory() as folder:
        return secrets.ensure(Path(folder), cell="bench", gateway_addresses=["127.0.0.1"]).ca_file.read_text()


def twain() -> list[str]:
    """The console script beside this interpreter, as a person would run it."""
    return [str(Path(sys.executable).parent / "twain")]


def pinned_kubectl() -> Path:
    """The kubectl that a rehearsal uses: of the pinned version, from the PATH or from the tool cache."""
    from rehearsal import tools

    found = next(tool.path for tool in tools.inspect() if tool.name == "kubectl")
    if found is None:
        raise SystemExit("there is no kubectl of the pinned version yet: run `make tools`, or give --kubectl")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--kubectl", type=Path, help="the kubectl to compare with; else the one that twain uses")
    asked = parser.parse_args()
    kubectl = str(asked.kubectl or pinned_kubectl())
    on = harness.machine()
    with tempfile.TemporaryDirectory() as folder:
        stage = Stage(Path(folder))
        cases = {
            "python -c pass": lambda: stage.whole([sys.executable, "-c", "pass"]),
            "kubectl version --client": lambda: stage.whole([kubectl, "version", "--client"]),
            "twain --version": lambda: stage.whole([*twain(), "--version"]),
            "twain --help": lambda: stage.whole([*twain(), "--help"]),
            "twain status, first byte": lambda: stage.first_byte([*twain(), "status"]),
        }
        taken = harness.interleaved(cases, rounds=asked.rounds)
    print(harness.heading(on))
    rows = harness.against(taken, *list(cases)[:2])
    version = subprocess.run([kubectl, "version", "--client", "-o", "json"], capture_output=True, check=True)
    client = json.loads(version.stdout)["clientVersion"]["gitVersion"]
    harness.append("start", {"kubectl": client, **rows}, on=on)


if __name__ == "__main__":
    os.environ.pop("PYTHONPATH", None)
    main()
