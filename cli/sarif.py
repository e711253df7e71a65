"""Verdicts as SARIF 2.1.0, so that tools for code review show them beside the lines of the file."""

from __future__ import annotations

from typing import Any

from cli.version import __version__

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def document(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The verdicts of `residency check` as one run."""
    from components.policy.catalogue import RULES

    used = sorted({row["rule"] for row in rows})
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "twain residency",
                        "version": __version__,
                        "rules": [_rule(RULES[one]) for one in used],
                    }
                },
                "results": [_result(row, used.index(row["rule"])) for row in rows],
                "columnKind": "unicodeCodePoints",
            }
        ],
    }


def _rule(rule: Any) -> dict[str, Any]:
    return {
        "id": rule.id,
        "shortDescription": {"text": rule.says},
        "help": {"text": f"Fix: {rule.fix}"},
        "properties": {"tags": ["residency", *rule.threats]},
        "defaultConfiguration": {"level": "error"},
    }


def _result(row: dict[str, Any], index: int) -> dict[str, Any]:
    text = f"{row['property']} = {row['value']}: {row['reason']} Allowed: {row['allowed']}. Fix: {row['fix']}."
    return {
        "ruleId": row["rule"],
        "ruleIndex": index,
        "level": "error",
        "message": {"text": text},
        "locations": [
            {
                "physicalLocation": {"artifactLocation": {"uri": row["source"]}},
                "logicalLocations": [
                    {"fullyQualifiedName": f"{row['resource']} {row['property']}", "kind": "resource"}
                ],
            }
        ],
    }
