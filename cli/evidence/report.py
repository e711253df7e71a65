"""What was judged as a CTRF report inside an in-toto statement. Pure: everything that it tells is handed in.

A check of which nothing is known is `other` with the words `not collected`, never `passed`: an empty pass is no pass.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from cli.evidence import dsse
from cli.evidence.rules import RULES, WHERE
from components.spec import dated

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

PREDICATE = "urn:twain:residency-evidence:v1"
STATEMENT = "https://in-toto.io/Statement/v1"
CTRF, PAGE, ENVELOPE = "residency.ctrf.json", "residency.html", "residency.dsse.json"
NOT_COLLECTED = "not collected"
# What each waiver stands at: one that is still to come excuses nothing today, and breaks nothing.
_WAIVED = {"active": "passed", "future": "skipped", "expired": "failed"}
_TOLD = {"active": "", "future": "NOT YET. ", "expired": "EXPIRED. "}
_SIGNATURE = "4dabf18193072939515e22adb298388d"


def must_be_report(statement: Mapping[str, Any]) -> None:
    """Raises BadEnvelopeError where what a key signed is no report of ours, about files: it may sign others too."""
    subjects = statement.get("subject")
    kinds = (statement.get("_type"), statement.get("predicateType"))
    if kinds != (STATEMENT, PREDICATE) or not isinstance(subjects, list) or not subjects:
        message = "it is a statement of another kind, not a residency report about files"
        raise dsse.BadEnvelopeError(message)


@dataclass(frozen=True, kw_only=True)
class Deploy:
    """One stack: where it is, what was found of it, what the rules said. `why` is set where nothing was found."""

    stack: str
    cell: str
    layer: str
    source: str
    plan_hash: str | None = None
    resources: int = 0
    judged: int = 0
    # How many of those judged are objects of a cluster.
    objects: int = 0
    violations: tuple[dict[str, str], ...] = ()
    why: str | None = None


@dataclass(frozen=True, kw_only=True)
class Facts:
    """All that a report tells. `waivers` is None where nobody said which there are."""

    world: str
    context: str
    identity: str
    fleet: str
    fleet_hash: str
    version: str
    began: datetime
    ended: datetime
    deploys: Sequence[Deploy]
    waivers: Sequence[Mapping[str, Any]] | None
    audit: Mapping[str, Any]
    # The export entries, and the sums of the year against the law's thresholds; None where nobody read them.
    exports: tuple[Sequence[Mapping[str, Any]], Sequence[Mapping[str, Any]]] | None = None
    # What other parts of the product will fill: name to rows, None while nobody collects them.
    further: Mapping[str, Sequence[Mapping[str, Any]] | None] = field(default_factory=dict)


def plan_hash(resources: Sequence[Mapping[str, Any]]) -> str:
    """The hash of what a plan or a state declares: types, names, inputs, edges. Secrets count as being there."""
    rows = [
        {
            "urn": row.get("urn"),
            "type": row.get("type"),
            "inputs": _masked(row.get("inputs") or {}),
            "edges": {key: sorted(urns or ()) for key, urns in (row.get("propertyDependencies") or {}).items()},
        }
        for row in resources
        if not row.get("delete")
    ]
    whole = dsse.canonical(sorted(rows, key=lambda row: str(row["urn"])))
    return f"sha256:{hashlib.sha256(whole).hexdigest()}"


def ctrf(facts: Facts) -> dict[str, Any]:
    """The report in the Common Test Report Format."""
    tests = [test for deploy in facts.deploys for test in _of_deploy(deploy)]
    tests += _of_waivers(facts.waivers, facts.ended.date())
    for name, rows in facts.further.items():
        tests.append(_test(name, "other", NOT_COLLECTED if rows is None else f"{len(rows)} collected", suite="world"))
    tests += _of_exports(facts.exports)
    counts = {status: sum(test["status"] == status for test in tests) for status in _STATUSES}
    return {
        "reportFormat": "CTRF",
        "specVersion": "1.0.0",
        "timestamp": _stamp(facts.ended),
        "generatedBy": "twain evidence report",
        "results": {
            "tool": {"name": "twain", "version": facts.version},
            "summary": {
                "tests": len(tests),
                **counts,
                "start": int(facts.began.timestamp() * 1000),
                "stop": int(facts.ended.timestamp() * 1000),
            },
            "tests": tests,
            "extra": _extra(facts),
        },
    }


_STATUSES = ("passed", "failed", "pending", "skipped", "other")


def statement(report: Mapping[str, Any], files: Mapping[str, bytes], signature: Mapping[str, str]) -> dict[str, Any]:
    """What is signed: the digests of the files, what the report says in short, and by what it is signed."""
    results = report["results"]
    return {
        "_type": STATEMENT,
        "subject": [
            {"name": name, "digest": {"sha256": hashlib.sha256(data).hexdigest()}}
            for name, data in sorted(files.items())
        ],
        "predicateType": PREDICATE,
        "predicate": {
            "timestamp": report["timestamp"],
            "summary": results["summary"],
            "signature": dict(signature),
            **{key: results["extra"][key] for key in ("world", "context", "identity", "fleet", "audit")},
            "deploys": [
                {key: deploy[key] for key in ("stack", "planHash", "violations")}
                for deploy in results["extra"]["deploys"]
            ],
        },
    }


def _of_deploy(deploy: Deploy) -> list[dict[str, Any]]:
    suite = deploy.stack
    if deploy.why is not None:
        return [_test("rules", "other", f"{NOT_COLLECTED}: {deploy.why}", suite=suite)]
    tests: list[dict[str, Any]] = []
    for rule, says in RULES.items():
        against = [one for one in deploy.violations if one["rule"] == rule]
        if against:
            message = "; ".join(f"{one['resource']} {one['property']} = {one['value']}" for one in against)
            tests.append(_test(rule, "failed", message, suite=suite, says=says))
        elif (count := _looked_at(deploy, rule)) == 0:
            tests.append(
                _test(rule, "skipped", "this stack has nothing that the rule looks at", suite=suite, says=says)
            )
        else:
            tests.append(_test(rule, "passed", f"{count} resources judged", suite=suite, says=says))
    unlisted = sorted({one["rule"] for one in deploy.violations} - set(RULES))
    return tests + [_test(rule, "failed", "a rule that this report does not list", suite=suite) for rule in unlisted]


def _looked_at(deploy: Deploy, rule: str) -> int:
    counts = {"cloud": deploy.judged - deploy.objects, "cluster": deploy.objects, "both": deploy.judged}
    return counts.get(WHERE[rule], deploy.resources)


def _of_waivers(waivers: Sequence[Mapping[str, Any]] | None, today: date) -> list[dict[str, Any]]:
    if waivers is None:
        return [_test("waivers", "other", f"{NOT_COLLECTED}: give --waivers PATH", suite="world")]
    tests: list[dict[str, Any]] = []
    for one in waivers:
        state = dated.standing(today, since=one.get("since"), until=one["until"])
        message = f"{one['capability']}, {one['owner']}: {one['reason']} Until {one['until']}."
        tests.append(_test(f"waiver {one['id']}", _WAIVED[state], f"{_TOLD[state]}{message}", suite="world"))
    return tests or [_test("waivers", "passed", "there are none", suite="world")]


def _of_exports(found: tuple[Sequence[Mapping[str, Any]], Sequence[Mapping[str, Any]]] | None) -> list[dict[str, Any]]:
    """Each entry, and each threshold of the law that an entry's persons reach."""
    if found is None:
        return [_test("export entries", "other", NOT_COLLECTED, suite="world")]
    entries, thresholds = found
    tests: list[dict[str, Any]] = []
    for one in entries:
        mechanism = " ".join(filter(None, (one["mechanism"], one["article"])))
        told = (
            f"{', '.join(one['artefacts'])} ({one['origin']}) to {one['to']} by {mechanism}, {one['persons']} persons, "
            f"{one['sensitive']} sensitive; {one['owner']}: {one['reason']} Until {one['until']}."
        )
        # What has run out lets nothing out any more: it is told and breaks nothing.
        status = "passed" if one["state"] == "active" else "skipped"
        tests.append(_test(f"export {one['id']}", status, f"{one['state']}. {told}", suite="world"))
    for one in thresholds if entries else ():
        law = f"{one['needs']} ({one['article']}, {one['source']})"
        told = f"{one['sum']} of {one['at']} {one['counts']}; from there {law}"
        short = f"; less than that: {', '.join(one['short'])}" if one["short"] else ""
        tests.append(
            _test(f"threshold {one['id']}", "failed" if one["short"] else "passed", f"{told}{short}", suite="world")
        )
    return tests or [_test("export entries", "passed", "there are none: nothing may cross", suite="world")]


def _test(name: str, status: str, message: str, *, suite: str, says: str | None = None) -> dict[str, Any]:
    # CTRF wants a duration: pure rules take none that is worth telling.
    test: dict[str, Any] = {"name": name, "status": status, "duration": 0, "message": message, "suite": [suite]}
    return test | ({"extra": {"refuses": says}} if says else {})


def _plain(waiver: Mapping[str, Any]) -> dict[str, Any]:
    """A waiver with its days in words."""
    return {key: str(value) if isinstance(value, date) else value for key, value in waiver.items()}


def _extra(facts: Facts) -> dict[str, Any]:
    waivers = None if facts.waivers is None else [_plain(one) for one in facts.waivers]
    return {
        "world": facts.world,
        "context": facts.context,
        "identity": facts.identity,
        "fleet": {"name": facts.fleet, "hash": facts.fleet_hash},
        "audit": dict(facts.audit),
        "deploys": [
            {
                "stack": one.stack,
                "cell": one.cell,
                "layer": one.layer,
                "source": one.source,
                "planHash": one.plan_hash or NOT_COLLECTED,
                "resources": one.resources,
                "judged": one.judged,
                "violations": len(one.violations) if one.why is None else NOT_COLLECTED,
            }
            for one in facts.deploys
        ],
        "waivers": NOT_COLLECTED if waivers is None else waivers,
        "exports": NOT_COLLECTED
        if facts.exports is None
        else {"entries": list(facts.exports[0]), "thresholds": list(facts.exports[1])},
        **{name: NOT_COLLECTED if rows is None else list(rows) for name, rows in facts.further.items()},
    }


def _masked(value: Any) -> Any:
    if isinstance(value, dict):
        return {"secret": True} if _SIGNATURE in value else {key: _masked(part) for key, part in value.items()}
    return [_masked(part) for part in value] if isinstance(value, list) else value


def _stamp(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
