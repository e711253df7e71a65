"""Gate tokens: minted in this world, for an account that can do nothing but call this world's gate."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from cli import errors, files
from cli.kube import kinds

if TYPE_CHECKING:
    from pathlib import Path

    from cli.app import App

NAMESPACE = "twain-system"
AUDIENCE = "twain-gate"
# The platform installs this role: get on gate.twain/aggregates, create and get on gate.twain/intents.
ROLE = "twain-gate-caller"
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
    audited(app, "context grant", cell=cell, name=name, ttl=ttl_s)
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
    audited(app, "context revoke", cell=cell, name=name)
    async with app.kube(cell) as kube:
        existed = await kube.delete(kinds.path("v1", "ServiceAccount", who, NAMESPACE))
        binding = kinds.path("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", f"twain-{who}")
        await kube.delete(binding)
    state = "revoked" if existed else "absent"
    return {"world": app.context.world, "cell": cell, "name": name, "state": state, "expires": None, "tokenFile": None}


def audited(app: App, verb: str, **facts: Any) -> None:
    """Record a use of a right in the audit log, before it is made use of."""
    app.audit.append(verb, context=app.context.name, identity=app.context.identity, **facts)


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
