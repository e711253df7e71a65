"""RRSA on Alibaba Cloud: a RAM role that the cluster's OIDC provider may assume for named service accounts."""

from __future__ import annotations

import json

import pulumi
import pulumi_alicloud as alicloud

from components.identity.contract import Identity, IdentityInputs, IdentityOutputs


def _trust(provider: str, issuer: str, subjects: list[str]) -> str:
    """The role's trust document: this cluster's provider, these service accounts, the audience of the token service."""
    statement = {
        "Action": "sts:AssumeRole",
        "Effect": "Allow",
        "Principal": {"Federated": [provider]},
        "Condition": {
            "StringEquals": {"oidc:aud": "sts.aliyuncs.com", "oidc:iss": issuer, "oidc:sub": subjects},
        },
    }
    return json.dumps({"Version": "1", "Statement": [statement]})


def _read_only(bucket: str) -> str:
    statement = {
        "Action": ["oss:GetObject", "oss:ListObjects", "oss:GetBucketInfo"],
        "Effect": "Allow",
        "Resource": [f"acs:oss:*:*:{bucket}", f"acs:oss:*:*:{bucket}/*"],
    }
    return json.dumps({"Version": "1", "Statement": [statement]})


class AlicloudIdentity(Identity):
    """A RAM role for pods."""

    def build(self, name: str, inputs: IdentityInputs) -> IdentityOutputs:
        """Declare the role, its policy and their attachment."""
        place = inputs.place
        subjects = [f"system:serviceaccount:{space}:{inputs.service_account}" for space in inputs.namespaces]
        role = alicloud.ram.Role(
            f"{name}-inference",
            role_name=place.name("inference", limit=64),
            description=f"Inference pods of cell {place.cell.cell.name}",
            assume_role_policy_document=pulumi.Output.all(inputs.cluster.principal, inputs.cluster.issuer).apply(
                lambda found: _trust(found[0], found[1], subjects)
            ),
            max_session_duration=3600,
            force=True,
            tags=place.tags,
            opts=self.child(),
        )
        policy = alicloud.ram.Policy(
            f"{name}-inference",
            policy_name=place.name("weights-read", limit=128),
            description="Read the weights bucket of the cell",
            policy_document=inputs.bucket.bucket_name.apply(_read_only),
            force=True,
            opts=self.child(),
        )
        alicloud.ram.RolePolicyAttachment(
            f"{name}-inference",
            role_name=role.role_name,
            policy_name=policy.policy_name,
            policy_type="Custom",
            opts=self.child(),
        )
        return IdentityOutputs(
            identity_id=role.id,
            principal=role.role_name,
            annotation="pod-identity.alibabacloud.com/role-name",
            annotation_value=role.role_name,
        )
