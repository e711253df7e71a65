"""Judges a planned graph by the table: every violation of every resource at once, and what a change would replace.

Pure. What is not known yet is skipped, never guessed; so is what a secret hides.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from components.clouds import labels, tokens
from components.clouds.profile import NAME_RULES
from components.rules import table
from components.rules.model import UNKNOWN, UNKNOWN_TEXT, Inputs, Problem, Rule, Unknown, top

Row = Mapping[str, Any]
_SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
_TAGS: Final = ("tags", "labels", "resourceLabels")
_QUIET: Final = re.compile(r"password|secret|token|credential|private_?key", re.IGNORECASE)
_SHOWN: Final = 80
_HERE: Final = "components/clouds: what all three clouds take"


@dataclass(frozen=True, kw_only=True)
class Violation:
    """One fault of one resource. `rule` says which kind of rule it is, `source` where it is written."""

    stack: str
    type: str
    name: str
    property: str
    value: str
    rule: str
    reason: str
    source: str
    fix: str


@dataclass(frozen=True, kw_only=True)
class Replacement:
    """A resource that is up and would be replaced, because a property that cannot change is to."""

    type: str
    name: str
    property: str


def violations(rows: Iterable[Row]) -> list[Violation]:
    """What the rules say against the resources of planned stacks, in their order."""
    kept = list(rows)
    # A resource names its provider with what lies around it, a plan lists it without.
    providers = {(row["type"], _name(row)): row.get("inputs") or {} for row in kept if _provides(row)}
    return [one for row in kept for one in _of_row(row, providers)]


def replacements(rows: Iterable[Row], deployed: Iterable[Row]) -> list[Replacement]:
    """What of the resources that are up the plan would replace. Only a property that both know is compared: what a
    provider adds by itself is no change of ours.
    """
    before = {(row["type"], _name(row)): row.get("inputs") or {} for row in deployed if not row.get("delete")}
    found: list[Replacement] = []
    for row in rows:
        declared, old = table.of_type(row["type"]), before.get((row["type"], _name(row)))
        if declared is None or old is None:
            continue
        was, new = plain(old), plain(row.get("inputs") or {})
        changed = {path.removesuffix("#") for path in declared.replacing if _replaces(path, was, new)}
        found += [Replacement(type=row["type"], name=_name(row), property=path) for path in sorted(changed)]
    return found


def plain(value: Any) -> Any:
    """Inputs as the rules read them: what is not known or secret is `UNKNOWN`, the engine's own keys are left out."""
    if value == UNKNOWN_TEXT:
        return UNKNOWN
    if isinstance(value, Mapping):
        if _SIGNATURE in value:
            return UNKNOWN
        return {key: plain(item) for key, item in value.items() if not str(key).startswith("__")}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def _replaces(path: str, was: Any, now: Any) -> bool:
    """Whether what a path stands for is to change, in lists the same place in each element; with a # at its end how
    many there are.
    """
    counted = path.endswith("#")
    step, _dot, rest = path.removesuffix("#").partition(".")
    if not isinstance(was, dict) or not isinstance(now, dict):
        return False
    old, new = was.get(step), now.get(step)
    if isinstance(old, list) and isinstance(new, list) and (rest or counted):
        if len(old) != len(new) or counted:
            return len(old) != len(new)
        return any(_replaces(rest, left, right) for left, right in zip(old, new, strict=True))
    return _replaces(rest, old, new) if rest else not counted and _differ(old, new)


def _differ(old: Any, new: Any) -> bool:
    if old is None or new is None or isinstance(old, Unknown) or isinstance(new, Unknown):
        return False
    if isinstance(old, dict) and isinstance(new, dict):
        return any(_differ(old[key], new[key]) for key in old.keys() & new.keys())
    if isinstance(old, list) and isinstance(new, list):
        return len(old) != len(new) or any(_differ(left, right) for left, right in zip(old, new, strict=True))
    return old != new


def _of_row(row: Row, providers: Mapping[tuple[str, str], Mapping[str, Any]]) -> Iterator[Violation]:
    declared = table.of_type(row["type"])
    if declared is None:
        return
    provider = str(row.get("provider") or "").split("::")
    config = providers.get((provider[2].rsplit("$", 1)[-1], provider[3]), {}) if len(provider) > 3 else {}
    inputs = Inputs(type_name=row["type"], urn=row["urn"], inputs=plain(row.get("inputs") or {}), config=plain(config))
    told: set[str] = set()
    for rule in declared.all_rules:
        for problem in rule(inputs):
            told.add(problem.path)
            yield _violation(row, inputs, problem, rule=rule.kind, source=declared.source, fix=problem.fix or rule.fix)
    # Ours are narrower than the cloud's own: what that refused is not told twice.
    for rule, problem in _ours(inputs):
        if problem.path not in told and top(problem.path) not in told:
            yield _violation(row, inputs, problem, rule=rule.kind, source=_HERE, fix=problem.fix or rule.fix)


def _ours(inputs: Inputs) -> Iterator[tuple[Rule, Problem]]:
    for rule in house_rules(inputs.type_name):
        for problem in rule(inputs):
            yield rule, problem


def house_rules(type_name: str) -> Iterator[Rule]:
    """What our own resources keep besides: names that are narrower, tags that fit on all three clouds."""
    plain_name = tokens.plain(type_name)
    for (kind, path), named in NAME_RULES.items():
        if kind == plain_name:
            yield _name_rule(path, named.pattern)
    declared = table.of_type(type_name)
    if declared is None or declared.labelled:
        yield Rule(kind="labels", checks=(_labels,), paths=_TAGS, fix="shorten or rename it; of what the fleet names")


def _name_rule(path: str, pattern: re.Pattern[str]) -> Rule:
    def check(call: Inputs) -> Iterator[Problem]:
        value = call.known(path)
        if isinstance(value, str) and not pattern.fullmatch(value):
            yield Problem(path, f"{value!r} is no name here: it must match {pattern.pattern}")

    return Rule(
        kind="name",
        checks=(check,),
        paths=(path,),
        facts={"pattern": pattern.pattern},
        fix="shorten or rename what it is of",
    )


def _labels(call: Inputs) -> Iterator[Problem]:
    for path in _TAGS:
        # A key is known before its value is; in its place stands one that is right.
        known = {key: value if isinstance(value, str) else "x" for key, value in call.entries(path).items()}
        yield from (Problem(path, text) for text in labels.problems(known))


def _violation(row: Row, inputs: Inputs, problem: Problem, *, rule: str, source: str, fix: str) -> Violation:
    return Violation(
        stack=row["urn"].split("::", 1)[0].removeprefix("urn:pulumi:"),
        type=row["type"],
        name=_name(row),
        property=problem.path,
        value=_shown(problem.path, inputs.known(problem.path)),
        rule=rule,
        reason=problem.reason,
        source=source,
        fix=fix,
    )


def _shown(path: str, value: Any) -> str:
    if not isinstance(value, str | int | float) or _QUIET.search(path):
        return ""
    text = str(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _provides(row: Row) -> bool:
    return row["type"].startswith("pulumi:providers:")


def _name(row: Row) -> str:
    return row["urn"].rsplit("::", 1)[-1]
