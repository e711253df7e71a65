"""KMS secrets on Alibaba Cloud: the names of the maisons' secrets, and for each maison the right to read its own.

No secret is declared. The service takes none without its first value, so a placeholder would stand in the state and a
pod could take it for the real thing; and KMS 3.0 takes secrets only in a dedicated instance, which is paid for by
itself and which the cell does not have. Whoever makes the secrets brings that instance, a key in it, and the right to
decrypt with that key. Reads go to the service's address inside the VPC, which needs no endpoint of ours.
"""

from __future__ import annotations

import json

import pulumi
import pulumi_alicloud as alicloud

from components.secret_store.contract import SecretStore, SecretStoreInputs, SecretStoreOutputs


def _read_only(region: str, secret: str) -> str:
    statement = {
        "Action": ["kms:GetSecretValue", "kms:DescribeSecret"],
        "Effect": "Allow",
        "Resource": [f"acs:kms:{region}:*:secret/{secret}"],
    }
    return json.dumps({"Version": "1", "Statement": [statement]})


class AlicloudSecretStore(SecretStore):
    """A policy per maison that names its secret."""

    def build(self, name: str, inputs: SecretStoreInputs) -> SecretStoreOutputs:
        """Declare the right to read."""
        place = inputs.place
        named = {maison: place.name(maison, limit=63) for maison in inputs.maisons}
        for maison, secret in named.items():
            policy = alicloud.ram.Policy(
                f"{name}-secrets-{maison}",
                policy_name=place.name(f"secrets-{maison}", limit=128),
                description=f"Read the secret of maison {maison}",
                policy_document=_read_only(place.region, secret),
                force=True,
                opts=self.child(),
            )
            alicloud.ram.RolePolicyAttachment(
                f"{name}-secrets-{maison}",
                role_name=inputs.identity.principals[maison],
                policy_name=policy.policy_name,
                policy_type="Custom",
                opts=self.child(),
            )
        return SecretStoreOutputs(
            endpoint=pulumi.Output.from_input(f"https://kms-vpc.{place.region}.aliyuncs.com"),
            references={maison: pulumi.Output.from_input(secret) for maison, secret in named.items()},
        )
