"""Cloud Monitoring's channels and alert policies as its API enforces them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from components.rules.model import Problem
from rehearsal.providers.gcp_net import project_of
from rehearsal.providers.model import Call, Made, TypeSpec

if TYPE_CHECKING:
    from collections.abc import Iterator

CHANNEL = "gcp:monitoring/notificationChannel:NotificationChannel"
POLICY = "gcp:monitoring/alertPolicy:AlertPolicy"


def _told(call: Call) -> Iterator[Problem]:
    channels = call.known("notificationChannels")
    for index, one in enumerate(channels if isinstance(channels, list) else []):
        if isinstance(one, str) and call.store.get_resource(one, type=CHANNEL) is None:
            yield Problem(f"notificationChannels[{index}]", f"there is no notification channel {one!r}")


def _made(kind: str, call: Call) -> Made:
    digits = "".join(str(int(one, 16) % 10) for one in _hash(call.urn))
    return Made(id=f"projects/{project_of(call)}/{kind}/{digits}")


def _hash(text: str) -> str:
    import hashlib

    return hashlib.sha256(text.encode()).hexdigest()[:20]


def _named(_call: Call, id_: str) -> dict[str, Any]:
    return {"name": id_}


ALARM_TYPES: tuple[TypeSpec, ...] = (
    TypeSpec(
        type_name=CHANNEL,
        make=lambda call: _made("notificationChannels", call),
        # Two channels may have one name; the declaration is what tells them apart.
        key=lambda call: call.urn,
        outputs=lambda call, id_: _named(call, id_) | {"verificationStatus": "VERIFICATION_STATUS_UNSPECIFIED"},
    ),
    TypeSpec(
        type_name=POLICY,
        make=lambda call: _made("alertPolicies", call),
        key=lambda call: call.urn,
        outputs=lambda call, id_: _named(call, id_) | {"creationRecords": []},
        rules=(_told,),
    ),
)
