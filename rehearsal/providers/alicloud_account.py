"""What lies above an account on Alibaba Cloud, as its API enforces it: control policies of a Resource Directory."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from rehearsal.providers.alicloud_net import tag_rules
from rehearsal.providers.model import Call, CloudRefusalError, Made, TypeSpec
from rehearsal.providers.rules import matches, one_of, token
from rehearsal.providers.sdktypes import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

CONTROL_POLICY = "alicloud:resourcemanager/controlPolicy:ControlPolicy"
_ATTACHMENT: Final = "alicloud:resourcemanager/controlPolicyAttachment:ControlPolicyAttachment"
_LONGEST: Final = 4096
_PER_TARGET: Final = 10


def _document(call: Call) -> Iterator[Problem]:
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


def _attachment_id(call: Call) -> str:
    return f"{call.text('policyId')}:{call.text('targetId')}"


def _attached(call: Call, id_: str) -> dict[str, Any]:
    target = call.text("targetId")
    there = {one.id for one in call.store.list_resources(type=_ATTACHMENT) if one.inputs.get("targetId") == target}
    if len(there | {id_}) > _PER_TARGET:
        message = f"LimitExceeded.ControlPolicyAttachment: {target} has {_PER_TARGET} control policies already"
        raise CloudRefusalError(message)
    return {}


ACCOUNT_TYPES: tuple[TypeSpec, ...] = (
    TypeSpec(
        type_name=CONTROL_POLICY,
        name="controlPolicyName",
        make=lambda _call: Made(id=f"cp-{token(16)}"),
        key=lambda call: call.text("controlPolicyName"),
        outputs=lambda _call, _id: {},
        immutable=frozenset({"effectScope"}),
        rules=(
            tag_rules,
            _document,
            one_of("effectScope", ("All", "RAM")),
            matches("controlPolicyName", r"[a-zA-Z0-9-]{1,128}", "1 to 128 letters, digits and -"),
        ),
    ),
    TypeSpec(
        type_name=_ATTACHMENT,
        make=lambda call: Made(id=_attachment_id(call)),
        key=_attachment_id,
        outputs=_attached,
        immutable=frozenset({"policyId", "targetId"}),
        parents=(("policyId", CONTROL_POLICY),),
        rules=(
            matches(
                "targetId",
                r"r-[A-Za-z0-9]{6}|fd-[A-Za-z0-9]{10}|\d{16}",
                "a root folder (r-…), a folder (fd-…) or a member account of 16 digits",
            ),
        ),
    ),
)
