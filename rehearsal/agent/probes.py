"""Health probes as a node makes them: over HTTP or TCP to the pod's address. No commands inside containers."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import aiohttp

from rehearsal.agent.podenv import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rehearsal.kube.client import Object

_BODY_SHOWN = 200


@dataclass(frozen=True, kw_only=True)
class Probe:
    """One probe of a container; times in seconds. `kind` is `http` or `tcp`."""

    kind: str
    host: str
    port: int
    path: str = "/"
    scheme: str = "http"
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    initial_delay: float = 0.0
    period: float = 10.0
    timeout: float = 1.0
    successes: int = 1
    failures: int = 3


def port_of(container: Object, port: str | int) -> int:
    """A port by number or by name. Raises ConfigError for an unknown name."""
    if isinstance(port, int):
        return port
    for declared in container.get("ports") or []:
        if declared.get("name") == port:
            return int(declared["containerPort"])
    if port.isdigit():
        return int(port)
    message = f"container {container['name']} has no port named {port}"
    raise ConfigError(message)


def read(container: Object, name: str, *, pod_ip: str) -> Probe | None:
    """The probe of that name (`livenessProbe`…), or None. Raises ConfigError for a kind that cannot be played."""
    raw: Mapping[str, Any] | None = container.get(name)
    if not raw:
        return None
    times: dict[str, Any] = {
        "initial_delay": float(raw.get("initialDelaySeconds") or 0),
        "period": float(raw.get("periodSeconds") or 10),
        "timeout": float(raw.get("timeoutSeconds") or 1),
        "successes": int(raw.get("successThreshold") or 1),
        "failures": int(raw.get("failureThreshold") or 3),
    }
    if "httpGet" in raw:
        http = raw["httpGet"]
        return Probe(
            kind="http",
            host=http.get("host") or pod_ip,
            port=port_of(container, http["port"]),
            path=http.get("path") or "/",
            scheme=(http.get("scheme") or "HTTP").lower(),
            headers={header["name"]: header["value"] for header in http.get("httpHeaders") or []},
            **times,
        )
    if "tcpSocket" in raw:
        tcp = raw["tcpSocket"]
        return Probe(kind="tcp", host=tcp.get("host") or pod_ip, port=port_of(container, tcp["port"]), **times)
    kind = next((key for key in ("exec", "grpc") if key in raw), "unknown")
    message = f"container {container['name']}: the rehearsal makes no {kind} probes ({name}); use httpGet or tcpSocket"
    raise ConfigError(message)


@dataclass
class Verdict:
    """Turns single answers into a judgement: it changes after `failures` or `successes` in a row. Pure."""

    probe: Probe
    value: bool | None
    good: int = 0
    bad: int = 0

    def take(self, ok: bool) -> bool:  # noqa: FBT001  (an answer is a truth value)
        """Take one answer; True when the judgement changed by it."""
        self.good, self.bad = (self.good + 1, 0) if ok else (0, self.bad + 1)
        judged = True if self.good >= self.probe.successes else False if self.bad >= self.probe.failures else self.value
        if judged is self.value:
            return False
        self.value = judged
        return True


async def ask(session: aiohttp.ClientSession, probe: Probe) -> str:
    """Make one probe. Returns an empty string for success, else what was wrong."""
    if probe.kind == "tcp":
        try:
            async with asyncio.timeout(probe.timeout):
                _, writer = await asyncio.open_connection(probe.host, probe.port)
        except (OSError, TimeoutError) as error:
            return f"dial tcp {probe.host}:{probe.port}: {error or 'i/o timeout'}"
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        return ""
    url = f"{probe.scheme}://{probe.host}:{probe.port}{probe.path}"
    timeout = aiohttp.ClientTimeout(total=probe.timeout)
    try:
        # The address is the pod's own and its certificate is not checked, as on a real node.
        async with session.get(
            url, headers=dict(probe.headers), timeout=timeout, ssl=False, allow_redirects=False
        ) as answer:
            if 200 <= answer.status < 400:
                return ""
            text = (await answer.content.read(_BODY_SHOWN)).decode(errors="replace").strip()
            return f"HTTP probe failed with statuscode: {answer.status} {text}".strip()
    except TimeoutError:
        return f'Get "{url}": context deadline exceeded'
    except (aiohttp.ClientError, OSError) as error:
        return f'Get "{url}": {error}'
