"""KMS on Alibaba Cloud: one software-protected AES key in the cell's region, and one that signs where the fleet names a
KMS instance: outside of one the service makes AES keys only. It knows no Ed25519; P-256 is what all readers know.

Deliberately not declared: the instance itself (prepaid). The shared service rotates yearly.
"""

from __future__ import annotations

import pulumi
import pulumi_alicloud as alicloud

from components.key.contract import Key, KeyInputs, KeyOutputs

# The shortest that the service takes is 7 days; 30 leave time to notice.
_PENDING_DAYS = 30


class AlicloudKey(Key):
    """A KMS key and its alias."""

    def build(self, name: str, inputs: KeyInputs) -> KeyOutputs:
        """Declare the key."""
        place = inputs.place
        key = alicloud.kms.Key(
            f"{name}-key",
            description=f"twain cell {place.cell.cell.name}: cluster secrets, disks, buckets",
            key_spec="Aliyun_AES_256",
            key_usage="ENCRYPT/DECRYPT",
            origin="Aliyun_KMS",
            protection_level="SOFTWARE",
            automatic_rotation="Enabled",
            rotation_interval="365d",
            pending_window_in_days=_PENDING_DAYS,
            deletion_protection="Enabled" if place.protect else "Disabled",
            status="Enabled",
            tags=place.tags,
            opts=self.child(),
        )
        alicloud.kms.Alias(f"{name}-key", alias_name=f"alias/{place.name('key')}", key_id=key.id, opts=self.child())
        empty = pulumi.Output.from_input("")
        signer = self._signer(name, inputs)
        return KeyOutputs(key_id=key.id, vault_id=empty, user=empty, user_client=empty, tenant=empty, signer=signer)

    def _signer(self, name: str, inputs: KeyInputs) -> pulumi.Output[str]:
        place = inputs.place
        overrides = place.cell.cell.overrides
        instance = overrides.alicloud.kms_instance if overrides and overrides.alicloud else ""
        if not instance:
            return pulumi.Output.from_input("")
        key = alicloud.kms.Key(
            f"{name}-signing",
            description=f"twain cell {place.cell.cell.name}: signs evidence",
            dkms_instance_id=instance,
            key_spec="EC_P256",
            key_usage="SIGN/VERIFY",
            origin="Aliyun_KMS",
            protection_level="SOFTWARE",
            automatic_rotation="Disabled",
            pending_window_in_days=_PENDING_DAYS,
            deletion_protection="Enabled" if place.protect else "Disabled",
            status="Enabled",
            tags=place.tags,
            opts=self.child(),
        )
        alias = f"alias/{place.name('signing')}"
        alicloud.kms.Alias(f"{name}-signing", alias_name=alias, key_id=key.id, opts=self.child())
        return key.id
