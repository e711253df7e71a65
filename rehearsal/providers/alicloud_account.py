"""What lies above an account on Alibaba Cloud, as its API enforces it: control policies of a Resource Directory."""

from __future__ import annotations

from typing import Any, Final

from rehearsal.providers.model import Call, CloudRefusalError, Made, TypeSpec
from rehearsal.providers.rules import token

CONTROL_POLICY = "alicloud:resourcemanager/controlPolicy:ControlPolicy"
_ATTACHMENT: Final = "alicloud:resourcemanager/controlPolicyAttachment:ControlPolicyAttachment"
_PER_TARGET: Final = 10


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
        make=lambda _call: Made(id=f"cp-{token(16)}"),
        key=lambda call: call.text("controlPolicyName"),
        outputs=lambda _call, _id: {},
    ),
    TypeSpec(
        type_name=_ATTACHMENT,
        make=lambda call: Made(id=_attachment_id(call)),
        key=_attachment_id,
        outputs=_attached,
        parents=(("policyId", CONTROL_POLICY),),
    ),
)
