"""RRSA on Alibaba Cloud: one RAM role per maison, that the cluster's OIDC provider may assume for one service account.

A policy names the maison's part of the bucket with the slash at its end, so that no maison whose name begins like
another's reads on. Limits: an account holds 1000 roles and 1500 policies.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pulumi
import pulumi_alicloud as alicloud

from components.base import maison_tag
from components.clouds.pods import POD_IDENTITY
from components.identity.contract import Identity, IdentityInputs, IdentityOutputs

if TYPE_CHECKING:
    from collections.abc import Sequence


def _trust(provider: str, issuer: str, subject: str) -> str:
    """The role's trust document: this cluster's provider, this service account, the audience of the token service."""
    statement = {
        "Action": "sts:AssumeRole",
        "Effect": "Allow",
        "Principal": {"Federated": [provider]},
        "Condition": {
            "StringEquals": {"oidc:aud": "sts.aliyuncs.com", "oidc:iss": issuer, "oidc:sub": [subject]},
        },
    }
    return json.dumps({"Version": "1", "Statement": [statement]})


def _read_only(bucket: str, key: str, *parts: str) -> str:
    """Objects under each `bucket/part/` may be got, and listed when the listing asks for that prefix. Whoever gets an
    object has the service decrypt it in his own name: with that one key, and by nothing that would encrypt.
    """
    objects = {
        "Action": ["oss:GetObject"],
        "Effect": "Allow",
        "Resource": [f"acs:oss:*:*:{part}/*" for part in parts],
    }
    listing = {
        "Action": ["oss:ListObjects"],
        "Effect": "Allow",
        "Resource": [f"acs:oss:*:*:{bucket}"],
        "Condition": {"StringLike": {"oss:Prefix": [f"{part.removeprefix(bucket + '/')}/*" for part in parts]}},
    }
    opened = {"Action": ["kms:Decrypt"], "Effect": "Allow", "Resource": [f"acs:kms:*:*:key/{key}"]}
    return json.dumps({"Version": "1", "Statement": [objects, listing, opened]})


class AlicloudIdentity(Identity):
    """RAM roles for pods."""

    def build(self, name: str, inputs: IdentityInputs) -> IdentityOutputs:
        """Declare a role, its policy and their attachment for each maison."""
        bucket = inputs.bucket
        # Put together once: each maison's policies are worked out of the same few answers.
        trusted = pulumi.Output.all(inputs.cluster.principal, inputs.cluster.issuer)
        stored = pulumi.Output.all(bucket.bucket_name, inputs.key.key_id, pulumi.Output.all(**bucket.part_ids))
        roles = {
            maison: self._role(f"{name}-inference-{maison}", maison, space, inputs, trusted, stored)
            for maison, space in inputs.namespaces.items()
        }
        return IdentityOutputs(
            identities={maison: role.id for maison, role in roles.items()},
            principals={maison: role.role_name for maison, role in roles.items()},
            annotation=POD_IDENTITY["alicloud"].annotation,
            annotation_values={maison: role.role_name for maison, role in roles.items()},
        )

    def _role(
        self,
        name: str,
        maison: str,
        space: str,
        inputs: IdentityInputs,
        trusted: pulumi.Output[Sequence[str]],
        stored: pulumi.Output[Sequence[Any]],
    ) -> alicloud.ram.Role:
        place = inputs.place
        parts = [space, *inputs.datasets.get(maison, {}).values()]
        subject = f"system:serviceaccount:{space}:{inputs.service_account}"
        role = alicloud.ram.Role(
            name,
            role_name=place.name(f"infer-{maison}", limit=64),
            description=f"Inference pods of maison {maison} in cell {place.cell.cell.name}",
            assume_role_policy_document=trusted.apply(lambda found: _trust(found[0], found[1], subject)),
            max_session_duration=3600,
            force=True,
            tags=place.tags | maison_tag(maison),
            opts=self.child(),
        )
        policy = alicloud.ram.Policy(
            name,
            policy_name=place.name(f"weights-{maison}", limit=128),
            description=f"Read what the weights bucket holds for maison {maison}",
            policy_document=stored.apply(
                lambda found: _read_only(found[0], found[1], *(found[2][part] for part in parts))
            ),
            force=True,
            opts=self.child(),
        )
        alicloud.ram.RolePolicyAttachment(
            name,
            role_name=role.role_name,
            policy_name=policy.policy_name,
            policy_type="Custom",
            opts=self.child(),
        )
        return role
