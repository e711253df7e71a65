"""Secret Manager on GCP: one regional secret per maison, encrypted with the cell's key, without a version.

A global secret would be replicated where Google likes; a regional one stays, and is asked for at the region's own
address. Deliberately not set: versions (a value would lie in the state), expiry, rotation topics. A version that is
destroyed goes a week later. Limits: the key must lie in the secret's region, and its later change touches new versions
only.
"""

from __future__ import annotations

import pulumi
import pulumi_gcp as gcp

from components.base import maison_tag
from components.secret_store.contract import SecretStore, SecretStoreInputs, SecretStoreOutputs

_WEEK = "604800s"


class GcpSecretStore(SecretStore):
    """Regional secrets."""

    def build(self, name: str, inputs: SecretStoreInputs) -> SecretStoreOutputs:
        """Declare the secrets and who may read them."""
        place = inputs.place
        references = {maison: self._secret(name, maison, inputs).id for maison in inputs.maisons}
        return SecretStoreOutputs(
            endpoint=pulumi.Output.from_input(f"https://secretmanager.{place.region}.rep.googleapis.com"),
            references=references,
        )

    def _secret(self, name: str, maison: str, inputs: SecretStoreInputs) -> gcp.secretmanager.RegionalSecret:
        place, manager = inputs.place, gcp.secretmanager
        secret = manager.RegionalSecret(
            f"{name}-secrets-{maison}",
            secret_id=place.name(maison, limit=63),
            location=place.region,
            customer_managed_encryption=manager.RegionalSecretCustomerManagedEncryptionArgs(
                kms_key_name=inputs.key.key_id
            ),
            version_destroy_ttl=_WEEK,
            deletion_protection=place.protect,
            labels=place.tags | maison_tag(maison),
            opts=self.child(),
        )
        manager.RegionalSecretIamMember(
            f"{name}-secrets-{maison}",
            secret_id=secret.id,
            location=place.region,
            role="roles/secretmanager.secretAccessor",
            member=inputs.identity.principals[maison].apply(lambda email: f"serviceAccount:{email}"),
            opts=self.child(),
        )
        return secret
