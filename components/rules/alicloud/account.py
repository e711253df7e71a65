"""What lies above an account on Alibaba Cloud, as its API enforces it: control policies of a Resource Directory."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from components.rules.alicloud.net import TAGS
from components.rules.checks import (
    matches,
    one_of,
    shape,
)
from components.rules.model import Inputs, Problem, TypeRules

if TYPE_CHECKING:
    from collections.abc import Iterator

_LONGEST: Final = 4096


def _document(call: Inputs) -> Iterator[Problem]:
    text = call.known("policyDocument")
    if not isinstance(text, str):
        return
    if len(text) > _LONGEST:
        yield Problem("policyDocument", f"{len(text)} characters; a control policy takes {_LONGEST}")
    try:
        document = json.loads(text)
    except ValueError as error:
        yield Problem("policyDocument", f"is no JSON: {error}")
        return
    statements = document.get("Statement") if isinstance(document, dict) else None
    if not isinstance(statements, list) or not statements or document.get("Version") != "1":
        yield Problem("policyDocument", 'must be a policy document with "Version": "1" and a "Statement"')
        return
    for index, statement in enumerate(statements):
        if not isinstance(statement, dict) or statement.get("Effect") not in ("Allow", "Deny"):
            yield Problem("policyDocument", f"statement {index} has no Effect of Allow or Deny")
        elif not statement.get("Action") or not statement.get("Resource"):
            yield Problem("policyDocument", f"statement {index} needs an Action and a Resource")


TYPES: tuple[TypeRules, ...] = (
    TypeRules(
        type_name="alicloud:resourcemanager/controlPolicy:ControlPolicy",
        name="controlPolicyName",
        renamed=True,
        immutable=frozenset({"effectScope"}),
        rules=(
            TAGS,
            shape(_document, fix="give a policy document of Effect, Action and Resource"),
            one_of("effectScope", ("All", "RAM")),
            matches("controlPolicyName", r"[a-zA-Z0-9-]{1,128}", "1 to 128 letters, digits and -"),
        ),
    ),
    TypeRules(
        type_name="alicloud:resourcemanager/controlPolicyAttachment:ControlPolicyAttachment",
        immutable=frozenset({"policyId", "targetId"}),
        rules=(
            matches(
                "targetId",
                r"r-[A-Za-z0-9]{6}|fd-[A-Za-z0-9]{10}|\d{16}",
                "a root folder (r-…), a folder (fd-…) or a member account of 16 digits",
            ),
        ),
    ),
)
