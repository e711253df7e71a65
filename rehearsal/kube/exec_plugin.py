"""The clouds' credential plugins, as the rehearsal plays them: `ack-ram-tool`, `gke-gcloud-auth-plugin`, `kubelogin`.

Each gives a short-lived token for the caller's identity in one cell of the caller's own world, and nothing for a cell
of another world. The token is minted with the cloud's own credential, which never leaves this process.

Start-up matters (a plugin runs before every command), so only the standard library is used here.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import sqlite3
import ssl
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rehearsal.kube import cellfile
from rehearsal.kube.cellfile import Cell, CellError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

IDENTITIES = ("platform-engineer", "sre", "gate")
_SPACE = "twain-identity-"
_SHORTEST, _DEFAULT, _LONGEST = 600, 900, 3600
# A cached token is given out again while it still has this long to live.
_MARGIN_S = 300
_CLOUD_OF = {"ack-ram-tool": "alicloud", "gke-gcloud-auth-plugin": "gcp", "kubelogin": "azure"}
_VERB = {
    "ack-ram-tool": ("credential-plugin", "get-credential"),
    "gke-gcloud-auth-plugin": (),
    "kubelogin": ("get-token",),
}
# Options that take no value. Every other `--option` of the real tools takes one, attached or following.
_BARE = {"--use_application_default_credentials", "--legacy", "--disable-instance-discovery", "--pop-enabled"}


def namespace(name: str) -> str:
    """The namespace of an identity. Each has its own, so that `system:serviceaccounts:NAMESPACE` is a group of one."""
    return f"{_SPACE}{name}"


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a plugin was asked: the dialect, the cluster's id where given, the wanted lifetime in seconds."""

    tool: str
    cluster_id: str = ""
    api_version: str = ""
    lifetime: int = _DEFAULT


def parse(tool: str, arguments: Sequence[str]) -> Request:
    """Read the arguments of one of the three tools. Raises CellError for another tool or verb."""
    if tool not in _CLOUD_OF:
        message = f"{tool}: the rehearsal plays {', '.join(_CLOUD_OF)} only"
        raise CellError(message)
    verb = _VERB[tool]
    options: dict[str, str] = {}
    words: list[str] = []
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if not word.startswith("-"):
            words.append(word)
            continue
        name, attached, value = word.partition("=")
        if not attached and name not in _BARE and rest and not rest[0].startswith("-"):
            value = rest.pop(0)
        options[name] = value
    if tuple(words[: len(verb)]) != verb:
        message = f"{tool}: expected `{tool} {' '.join(verb)}`, found `{' '.join([tool, *words])}`"
        raise CellError(message)
    version = options.get("--api-version", "")
    if version and "/" not in version:
        version = f"client.authentication.k8s.io/{version}"
    return Request(
        tool=tool,
        cluster_id=options.get("--cluster-id", ""),
        api_version=version,
        lifetime=_lifetime(options.get("--expiration", "")),
    )


def _lifetime(text: str) -> int:
    """Seconds from `15m`, `1h` or a number; held between the shortest and the longest that a cloud gives."""
    units = {"s": 1, "m": 60, "h": 3600}
    digits, unit = (text[:-1], text[-1]) if text and text[-1] in units else (text, "s")
    if not digits.isdigit():
        return _DEFAULT
    return max(_SHORTEST, min(_LONGEST, int(digits) * units[unit]))


def _cell_of_cluster(world: Path, cluster_id: str) -> str | None:
    """The cell of a cluster id in this world's cloud; None when the cloud has no such live cluster."""
    database = world / "cloud.sqlite"
    if not database.exists():
        return None
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=5)
    try:
        row = connection.execute("SELECT cell FROM clusters WHERE id = ? AND deleted IS NULL", (cluster_id,)).fetchone()
    except sqlite3.OperationalError:
        return None
    finally:
        connection.close()
    return row[0] if row else None


def find_cell(request: Request, environment: Mapping[str, str]) -> tuple[Path, Cell]:
    """(world folder, cell) that the request means. Raises CellError: no world, unknown cell, a cell of another world or
    another cloud, a control plane that is not ready.
    """
    folder = environment.get("TWAIN_REHEARSAL_WORLD", "")
    if not folder:
        message = f"{request.tool}: not inside a rehearsal; start one with `twain rehearse shell --world cn|row`"
        raise CellError(message)
    world = Path(folder).resolve()
    by_id = _cell_of_cluster(world, request.cluster_id) if request.cluster_id else None
    name = by_id or environment.get("TWAIN_CELL", "")
    if not name:
        asked = (
            f"cluster id {request.cluster_id}"
            if request.cluster_id
            else "TWAIN_CELL is not set and no --cluster-id given"
        )
        message = f"{request.tool}: no cluster of world {world.name}: {asked}"
        raise CellError(message)
    cell = cellfile.read(world, name)
    if cell is None or cell.world != world.name:
        message = (
            f"{request.tool}: world {world.name} has no cell {name}; "
            "credentials are given inside a cell's own world only"
        )
        raise CellError(message)
    if cell.cloud != _CLOUD_OF[request.tool]:
        message = f"{request.tool} is of {_CLOUD_OF[request.tool]}; cell {name} is on {cell.cloud}"
        raise CellError(message)
    if cell.state != "ready":
        message = f"{request.tool}: the control plane of cell {name} is not ready yet"
        raise CellError(message)
    return world, cell


def identity(environment: Mapping[str, str]) -> str:
    """The caller's identity. Raises CellError for one that the cloud does not know."""
    name = environment.get("TWAIN_IDENTITY") or IDENTITIES[0]
    if name not in IDENTITIES:
        message = f"identity {name!r} is not known here; known are {', '.join(IDENTITIES)}"
        raise CellError(message)
    return name


def _cached(file: Path, now: datetime) -> dict[str, str] | None:
    try:
        raw = json.loads(file.read_text(encoding="utf-8"))
        left = datetime.fromisoformat(raw["expirationTimestamp"]) - now
    except (FileNotFoundError, ValueError, KeyError):
        return None
    return raw if left > timedelta(seconds=_MARGIN_S) else None


def _mint(world: Path, cell: Cell, name: str, lifetime: int) -> dict[str, str]:
    """A new token from the API server by TokenRequest. Raises CellError."""
    raw = _admin(world, cell)
    host, _, port = cell.endpoint.removeprefix("https://").partition(":")
    body = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "spec": {"expirationSeconds": lifetime},
    }
    connection = http.client.HTTPSConnection(host, int(port), timeout=10, context=raw)
    path = f"/api/v1/namespaces/{namespace(name)}/serviceaccounts/{name}/token"
    try:
        connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        response = connection.getresponse()
        answer = json.loads(response.read())
    except (OSError, http.client.HTTPException, ValueError) as error:
        message = f"cell {cell.cell}: the API server at {cell.endpoint} does not answer: {error}"
        raise CellError(message) from error
    finally:
        connection.close()
    if response.status >= 300:
        message = f"cell {cell.cell}: no token for {name}: {response.status} {answer.get('message', '')}"
        raise CellError(message)
    status = answer["status"]
    return {"token": status["token"], "expirationTimestamp": status["expirationTimestamp"]}


def _admin(world: Path, cell: Cell) -> ssl.SSLContext:
    """TLS with the cloud's own client certificate, from the cell's key folder."""
    pki = cellfile.folders(world, cell.cell).cluster / "pki"
    context = ssl.create_default_context(cadata=cell.ca)
    try:
        context.load_cert_chain(pki / "admin.crt", pki / "admin.key")
    except OSError as error:
        message = f"cell {cell.cell}: the cloud's own credential is gone ({error}); run `twain rehearse up` again"
        raise CellError(message) from error
    return context


def _keep(file: Path, credential: dict[str, str]) -> None:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=file.parent, delete=False) as scratch:
        json.dump(credential, scratch)  # the file was made 0600
    Path(scratch.name).replace(file)


def credential(request: Request, environment: Mapping[str, str]) -> dict[str, Any]:
    """The ExecCredential for a request. Raises CellError when there is none to give."""
    world, cell = find_cell(request, environment)
    name = identity(environment)
    file = cellfile.folders(world, cell.cell).root / "tokens" / f"{name}.json"
    now = datetime.now(UTC)
    # The CA tells apart two clusters that had the same name one after the other.
    mark = base64.b64encode(cell.ca.encode()[-64:]).decode()
    held = _cached(file, now)
    if held is None or held.get("cluster") != mark:
        held = _mint(world, cell, name, request.lifetime)
        _keep(file, held | {"cluster": mark})
    return {
        "apiVersion": request.api_version or _asked_version(environment),
        "kind": "ExecCredential",
        "status": {"token": held["token"], "expirationTimestamp": held["expirationTimestamp"]},
    }


def _asked_version(environment: Mapping[str, str]) -> str:
    """The API version that the client asked for in KUBERNETES_EXEC_INFO."""
    try:
        return json.loads(environment["KUBERNETES_EXEC_INFO"])["apiVersion"]
    except (KeyError, ValueError):
        return "client.authentication.k8s.io/v1beta1"


def main(arguments: Sequence[str]) -> int:
    """`exec_plugin TOOL ARGUMENT…`: print an ExecCredential and return 0, or say why not and return 1."""
    tool, *rest = arguments
    try:
        if rest in (["--version"], ["version"]):
            sys.stdout.write(f"{tool} (rehearsal)\n")
            return 0
        answer = credential(parse(tool, rest), os.environ)
    except CellError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(json.dumps(answer) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
