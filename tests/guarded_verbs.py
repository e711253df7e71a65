"""Every verb of the command line as the operator of the Chinese cell types it, for the guard of its connections: what
is run, and ends with 0, or why it is not run. A test holds the table against the verbs that there are.

The order counts where a row undoes the one before it. Nothing that stays is changed.
"""

from __future__ import annotations

from dataclasses import dataclass

CELL = "cn-sha-1"
INFRA, PLATFORM = f"rehearsal.{CELL}.infra", f"rehearsal.{CELL}.platform"
_SCOPE = ("--cell", CELL)
_FLEET = "{root}/stacks/fleets/rehearsal.yaml"
_KEY, _EVIDENCE = ("--key", "{scratch}/key.pem"), "{scratch}/evidence/residency.dsse.json"
_OUTSIDE = "no command of a context: whoever sits at the machine runs it, and in a world's shell it is refused"


@dataclass(frozen=True)
class Typed:
    """A command line. `{root}` is this checkout, `{scratch}` an empty folder. `parallel`: it changes nothing that
    others look at, and so may run beside them; the slow ones do.
    """

    args: tuple[str, ...]
    parallel: bool = False


@dataclass(frozen=True)
class Left:
    """Why a verb is not run under the guard."""

    reason: str


def _typed(*args: str) -> Typed:
    return Typed(args)


def _slow(*args: str) -> Typed:
    return Typed(args, parallel=True)


VERBS: dict[str, Typed | Left] = {
    "init": _typed("init", "{scratch}/fleets", "--yes"),
    "rehearse up": Left(_OUTSIDE),
    "rehearse down": Left(_OUTSIDE),
    "rehearse status": Left(_OUTSIDE),
    "rehearse tools": _typed("rehearse", "tools"),
    "rehearse shell": Left(f"{_OUTSIDE}; every other row is run through it"),
    "rehearse truth": Left(_OUTSIDE),
    "rehearse load": Left(_OUTSIDE),
    "rehearse partition": Left(_OUTSIDE),
    "doctor": _typed("doctor"),
    "world list": _typed("world", "list"),
    "world get": _typed("world", "get", "cn"),
    "cell list": _typed("cell", "list"),
    "cell get": _typed("cell", "get", CELL),
    "cell kubeconfig": _typed("cell", "kubeconfig", CELL),
    "cell discover": _typed("cell", "discover", CELL),
    "stack list": _typed("stack", "list"),
    "stack env": _typed("stack", "env", "--world", "cn"),
    "stack preview": _slow("stack", "preview", *_SCOPE, "--layer", "infra"),
    "stack up": _slow("stack", "up", *_SCOPE, "--layer", "platform", "-y"),
    "stack destroy": _typed("stack", "destroy", *_SCOPE, "--dry-run"),
    "stack outputs": _typed("stack", "outputs", *_SCOPE),
    "stack pulumi": _typed("stack", "pulumi", "--", "about"),
    "stack drift": _slow("stack", "drift", INFRA),
    "stack unlock": _typed("stack", "unlock", INFRA, "--dry-run"),
    "stack unprotect": _typed("stack", "unprotect", *_SCOPE, "--reason", "a look", "--dry-run"),
    "stack restore": _typed("stack", "restore", INFRA, "--dry-run"),
    "stack import": _typed("stack", "import", *_SCOPE, f"{CELL}-weights", "some-bucket", "--dry-run"),
    "store restore-test": _typed("store", "restore-test", *_SCOPE, "--dry-run"),
    "check": _typed("check", *_SCOPE),
    "gpu classes": _typed("gpu", "classes"),
    "gpu offers": _typed("gpu", "offers", "--world", "cn"),
    "gpu list": _typed("gpu", "list", *_SCOPE),
    "parity check": _slow("parity", "check"),
    "parity diff": _slow("parity", "diff", CELL, "eu-ams-1", "--live"),
    "parity explain": _typed("parity", "explain", "secrets.encryption"),
    "parity waivers": _typed("parity", "waivers"),
    "parity waive": _typed(
        "parity", "waive", "nodes.metadata", *_SCOPE, "--until", "2027-06-30", "--owner", "ann",
        "--reason", "the metadata server is shut there later",
        "--dry-run",
    ),
    "residency check": _slow("residency", "check", *_SCOPE),
    "residency explain": _typed("residency", "explain", "RES-023"),
    "residency exports": _typed("residency", "exports"),
    "residency classes": _typed("residency", "classes"),
    "residency contract": _typed("residency", "contract", "--lang", "zh"),
    "residency egress": _slow("residency", "egress", *_SCOPE),
    "residency report": _typed("residency", "report", *_KEY, "--out", "{scratch}/evidence", *_SCOPE),
    "serve plan": _typed("serve", "plan", "-f", "{root}/examples/advisor.yaml"),
    "serve apply": _typed("serve", "apply", "-f", "{root}/examples/advisor.yaml", "-y"),
    "serve list": _typed("serve", "list"),
    "serve get": _typed("serve", "get", "advisor"),
    "serve delete": _typed("serve", "delete", "advisor", "--maison", "aurelia", "--dry-run"),
    "serve logs": _typed("serve", "logs", "advisor", "--tail", "3", *_SCOPE),
    "status": _typed("status"),
    "top gpu": _typed("top", "gpu"),
    "metrics latency": _typed("metrics", "latency"),
    "metrics gpu": _typed("metrics", "gpu"),
    "cost report": _typed("cost", "report", "--html", "{scratch}/cost.html"),
    "cost ingest": _typed("cost", "ingest"),
    "cost publish": _typed("cost", "publish", "-y"),
    "evidence key": _typed("evidence", "key", "cn-sha-1"),
    "evidence report": _slow("evidence", "report", *_KEY, "--out", "{scratch}/again", *_SCOPE),
    "evidence verify": _typed("evidence", "verify", _EVIDENCE, "--key", "{scratch}/key.pub"),
    "audit list": _typed("audit", "list"),
    "audit verify": _typed("audit", "verify"),
    "context add": _typed("context", "add", "guarded", "--world", "cn", "--fleet", _FLEET),
    "context get": _typed("context", "get"),
    "context list": _typed("context", "list"),
    "context use": _typed("context", "use", "rehearsal-cn"),
    "context accept": _typed(
        "context", "accept", "--context", "guarded", "--world", "row", "--url", "https://gate.row.example:8443",
        "--ca", "{gate}.crt", "--token", "{gate}.token",
    ),
    "context remove": _typed("context", "remove", "guarded", "-y"),
    "context grant": _typed("context", "grant", "--to", "row-guarded", "--ttl", "10m", "-y"),
    "context revoke": _typed("context", "revoke", "--to", "row-guarded", "-y"),
    "schema": _typed("schema", "ServiceList"),
    "completion": _typed("completion", "bash"),
    "version": _typed("version"),
}  # fmt: skip
