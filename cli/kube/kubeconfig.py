"""Short-lived credentials by exec plugins, and a strict reader of kubeconfigs.

A kubeconfig is code: its exec block is run. So the command must be a name of the allow-list, is looked up on the
PATH, gets a minimal environment, cannot ask anybody anything, and has 15 seconds.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import json
import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cli import errors, files
from cli.cells import CellFacts, ExecSpec

if TYPE_CHECKING:
    from pathlib import Path

ALLOWED = ("ack-ram-tool", "gke-gcloud-auth-plugin", "kubelogin")
BUDGET_S = 15.0
EARLY_S = 60.0
_NO_TOKEN = "gave no token"  # noqa: S105 - words of an error
_SILENT = f"gave no answer within {BUDGET_S:.0f} s"
_OTHER = "did not answer with an ExecCredential"
# What the clouds' own tools read, and nothing else of our environment.
_PASSED = ("PATH", "HOME", "LANG", "USER", "SSL_CERT_FILE", "SSL_CERT_DIR", "TMPDIR")
_PASSED_PREFIXES = ("ALIBABA_CLOUD_", "AZURE_", "AAD_", "CLOUDSDK_", "GOOGLE_", "TWAIN_")


@dataclass
class ExecToken:
    """A token source. Tokens are kept in memory and in `tokens/` (0600) until 60 s before they expire."""

    spec: ExecSpec
    cell: str
    endpoint: str
    cache: Path
    env: dict[str, str] = field(default_factory=dict)
    _token: str | None = field(default=None, init=False)
    _until: float = field(default=0.0, init=False)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)

    async def get(self, *, fresh: bool = False) -> str:
        """A token that is good for a while. `fresh` ignores what is cached. Raises AuthError."""
        async with self._lock:
            if fresh:
                self._token = None
                self._path.unlink(missing_ok=True)
            now = time.time()
            if self._token is not None and now < self._until - EARLY_S:
                return self._token
            if not fresh and self._from_cache(now):
                return self._token or ""
            await self._mint()
            return self._token or ""

    @property
    def _path(self) -> Path:
        seed = json.dumps([self.cell, self.endpoint, self.spec.command, list(self.spec.args)])
        return self.cache / f"{self.cell}-{hashlib.sha256(seed.encode()).hexdigest()[:12]}.json"

    def _from_cache(self, now: float) -> bool:
        try:
            raw = json.loads(self._path.read_bytes())
            token, until = str(raw["token"]), float(raw["until"])
        except (OSError, ValueError, KeyError, TypeError):
            return False
        if now >= until - EARLY_S:
            return False
        self._token, self._until = token, until
        return True

    async def _mint(self) -> None:
        status = await self._run()
        token = status.get("token")
        if not isinstance(token, str) or not token:
            raise self._failed(_NO_TOKEN)
        until = _expiry(status.get("expirationTimestamp"))
        self._token, self._until = token, until
        if until > time.time() + EARLY_S:
            files.write_private(self._path, json.dumps({"token": token, "until": until}))

    async def _run(self) -> dict[str, Any]:
        environment = plugin_environment(self.env, self.spec.env)
        path = resolve(self.spec.command, environment.get("PATH"))
        process = await asyncio.create_subprocess_exec(
            path,
            *self.spec.args,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**environment, "KUBERNETES_EXEC_INFO": _exec_info(self.endpoint)},
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(BUDGET_S):
                out, err = await process.communicate()
        except (TimeoutError, asyncio.CancelledError) as error:
            process.kill()
            await process.wait()
            if isinstance(error, asyncio.CancelledError):
                raise
            raise self._failed(_SILENT) from error
        if process.returncode != 0:
            # Its own words may hold a credential, so only their length is told.
            why = f"ended with {process.returncode} ({len(err)} bytes on its error output)"
            raise self._failed(why)
        try:
            raw = json.loads(out)
            if raw["kind"] != "ExecCredential":
                raise self._failed(_OTHER)
            return dict(raw["status"])
        except (ValueError, KeyError, TypeError) as error:
            raise self._failed(_OTHER) from error

    def _failed(self, why: str) -> errors.AuthError:
        message = f"the credential plugin {self.spec.command} of cell {self.cell} {why}."
        return errors.AuthError(message, where=self.cell, fix=f"run it by hand: {self.spec.command}", id="AUTH-EXEC")


def plugin_environment(context_env: dict[str, str], spec_env: dict[str, str]) -> dict[str, str]:
    """The environment of a plugin: a minimum of ours, the context's, the plugin's own."""
    base = {name: value for name, value in os.environ.items() if name in _PASSED or name.startswith(_PASSED_PREFIXES)}
    return {**base, **context_env, **spec_env}


def resolve(command: str, path: str | None) -> str:
    """The absolute path of an allowed plugin. Raises AuthError for any other and for one that is not installed."""
    if command not in ALLOWED:
        message = f"the credential plugin {command!r} is not one of {', '.join(ALLOWED)}."
        raise errors.AuthError(message, fix="correct the cell's exec block", id="AUTH-PLUGIN")
    import shutil

    found = shutil.which(command, path=path)
    if found is None:
        message = f"the credential plugin {command} is not on the PATH."
        raise errors.AuthError(message, fix=f"install {command}, or see: twain doctor", id="AUTH-PLUGIN")
    return os.path.abspath(found)  # noqa: PTH100 - resolve() would leave the link that tells the plugin its name


def read_kubeconfig(text: str, cell: str) -> CellFacts:
    """The current context of a kubeconfig as cell facts. Refuses anything but an allowed exec plugin and a CA."""
    import yaml

    try:
        raw = yaml.safe_load(text)
        chosen = _named(raw["contexts"], raw["current-context"])["context"]
        cluster = _named(raw["clusters"], chosen["cluster"])["cluster"]
        user = _named(raw["users"], chosen["user"])["user"]
    except (yaml.YAMLError, KeyError, TypeError, StopIteration) as error:
        message = f"the kubeconfig of cell {cell} is incomplete: {error}."
        raise errors.UsageError(message, fix="twain cell kubeconfig", id="CFG-KUBE") from error
    if cluster.get("insecure-skip-tls-verify") or cluster.get("proxy-url"):
        message = f"the kubeconfig of cell {cell} switches TLS checks off or names a proxy."
        raise errors.AuthError(message, fix="take both out", id="AUTH-TLS")
    plugin = user.get("exec") if set(user) == {"exec"} else None
    if not isinstance(plugin, dict):
        message = f"the kubeconfig of cell {cell} holds something else than an exec plugin."
        raise errors.AuthError(message, fix="use short-lived credentials: twain cell kubeconfig", id="AUTH-PLUGIN")
    try:
        ca = base64.b64decode(cluster.get("certificate-authority-data") or "", validate=True).decode() or None
    except (binascii.Error, UnicodeDecodeError) as error:
        message = f"the CA in the kubeconfig of cell {cell} is not base64."
        raise errors.UsageError(message, fix="twain cell kubeconfig", id="CFG-KUBE") from error
    env = {entry["name"]: entry["value"] for entry in plugin.get("env") or ()}
    spec = ExecSpec(command=plugin["command"], args=tuple(plugin.get("args") or ()), env=env)
    if spec.command not in ALLOWED:
        resolve(spec.command, None)
    return CellFacts(cell=cell, world="", cloud="", region="", endpoint=cluster["server"], ca=ca, exec=spec)


def _named(entries: Any, name: str) -> dict[str, Any]:
    return next(entry for entry in entries if entry["name"] == name)


def _exec_info(endpoint: str) -> str:
    return json.dumps(
        {
            "apiVersion": "client.authentication.k8s.io/v1beta1",
            "kind": "ExecCredential",
            "spec": {"interactive": False, "cluster": {"server": endpoint}},
        }
    )


def _expiry(value: object) -> float:
    """The moment as Unix seconds; a credential without one is used once and not kept."""
    if not isinstance(value, str):
        return 0.0
    from datetime import datetime

    try:
        return datetime.fromisoformat(value).timestamp()
    except ValueError:
        return 0.0
