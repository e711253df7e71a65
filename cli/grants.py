"""Gate tokens: minted in this world, for an account that can do nothing but call this world's gate."""

from __future__ import annotations

import base64
import json
import re
import ssl
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from cli import anchors, errors, files
from cli.kube import kinds

if TYPE_CHECKING:
    from cli.app import App

NAMESPACE = "twain-system"
AUDIENCE = "twain-gate"
# The platform installs this role: get on gate.twain/aggregates, create and get on gate.twain/intents.
ROLE = "twain-gate-caller"
_TOKEN = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+){2}")
_LONGEST = 65_536
_NAME = re.compile(r"^[a-z0-9]([a-z0-9-]{0,40}[a-z0-9])?$")


def account(name: str) -> str:
    """The service account of a grantee. Raises UsageError for a name that Kubernetes would not take."""
    if not _NAME.match(name):
        message = f"{name!r} cannot be a name: lower-case letters, digits and '-', 42 at most."
        raise errors.UsageError(message, id="CFG-NAME")
    return f"gate-{name}"


def gate_cell(app: App) -> str:
    """The cell of our own world that holds the gate."""
    return app.fleet.worlds[app.context.world].gate_cell


async def grant(app: App, *, name: str, ttl_s: int, place: Path) -> dict[str, Any]:
    """Mint a token into `place` (0600). Repeating it mints another; the old one lives on until it expires."""
    cell, who = gate_cell(app), account(name)
    await anchors.record(app, "context grant", cells=[cell], name=name, ttl=ttl_s)
    async with app.kube(cell) as kube:
        for manifest in manifests(who):
            await kube.apply(manifest)
        path = f"{kinds.path('v1', 'ServiceAccount', who, NAMESPACE)}/token"
        request = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"audiences": [AUDIENCE], "expirationSeconds": ttl_s},
        }
        status = (await kube.create(path, request))["status"]
    files.write_private(place, f"{status['token']}\n")
    return {
        "world": app.context.world,
        "cell": cell,
        "name": name,
        "state": "granted",
        "expires": status["expirationTimestamp"],
        "tokenFile": str(place),
    }


async def revoke(app: App, *, name: str) -> dict[str, Any]:
    """Delete the account: every token of it ends. Repeating it finds it absent."""
    cell, who = gate_cell(app), account(name)
    await anchors.record(app, "context revoke", cells=[cell], name=name)
    async with app.kube(cell) as kube:
        existed = await kube.delete(kinds.path("v1", "ServiceAccount", who, NAMESPACE))
        binding = kinds.path("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", f"twain-{who}")
        await kube.delete(binding)
    state = "revoked" if existed else "absent"
    return {"world": app.context.world, "cell": cell, "name": name, "state": state, "expires": None, "tokenFile": None}


def manifests(who: str) -> list[dict[str, Any]]:
    """The account, and its binding to the one role that lets it call the gate."""
    labels = {"app.kubernetes.io/managed-by": "twain", "twain/gate-caller": "true"}
    return [
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": who, "namespace": NAMESPACE, "labels": labels},
            "automountServiceAccountToken": False,
        },
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": f"twain-{who}", "labels": labels},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": ROLE},
            "subjects": [{"kind": "ServiceAccount", "name": who, "namespace": NAMESPACE}],
        },
    ]


def read_token(source: str) -> str:
    """A token out of a file, or of standard input for `-`. Raises UsageError when it is none, AuthError when expired.

    What is wrong with it is said without showing any of it.
    """
    text = sys.stdin.read(_LONGEST) if source == "-" else files.read_text(Path(source).expanduser(), "the gate token")
    token = text.strip()
    if not _TOKEN.fullmatch(token):
        message = "that is no token: three parts of letters, digits, - and _ with dots between them."
        fix = "hand over the file that `twain context grant --out FILE` wrote, whole"
        raise errors.UsageError(message, fix=fix, where=source, id="CFG-TOKEN")
    ends = expiry(token)
    if ends is not None and datetime.fromisoformat(ends) <= datetime.now(UTC):
        message = f"the token ended at {ends}."
        raise errors.AuthError(message, fix="ask for a new one: twain context grant", where=source, id="AUTH-GATE")
    return token


def expiry(token: str) -> str | None:
    """When a token says that it ends, RFC 3339; None when it does not say. Nothing is verified: the gate does that."""
    part = token.split(".")[1]
    try:
        ends = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))["exp"]
        return datetime.fromtimestamp(float(ends), UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    except (ValueError, KeyError, TypeError, OverflowError):
        return None


def gate_url(text: str) -> str:
    """The gate's address without a trailing slash. Raises UsageError unless it is https with a host and no path."""
    parts = urlsplit(text)
    if parts.scheme != "https" or not parts.hostname or parts.path.strip("/") or parts.query or parts.username:
        message = f"{text!r} is no address of a gate."
        raise errors.UsageError(message, fix="https://HOST:PORT and nothing more", id="CFG-URL")
    return text.rstrip("/")


def read_ca(path: Path) -> str:
    """A PEM file of certificates. Raises UsageError when no certificate can be loaded from it."""
    text = files.read_text(path, "the gate's certificate authority")
    try:
        ssl.create_default_context(cadata=text)
    except (ssl.SSLError, ValueError) as error:
        message = f"{path} holds no certificate in PEM."
        raise errors.UsageError(message, fix="the `ca.crt` of the gate's TLS secret", id="CFG-CA") from error
    if "PRIVATE KEY" in text:
        message = f"{path} holds a private key; only the certificate is to be handed over."
        raise errors.UsageError(message, fix="openssl x509 -in FILE -out ca.crt", id="CFG-CA")
    return text
