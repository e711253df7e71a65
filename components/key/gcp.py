"""Cloud KMS on GCP: a key ring in the cell's region with a key, the grants of the services that use it, and a key that
signs.

A key ring can never be deleted and its name stays taken; destroying the stack leaves it, which is why its name ends in
a hash. The cloud's agents are named by the project's number, which only the agent of the cluster service tells without
a look-up; the names of the others follow from it.
"""

from __future__ import annotations

import pulumi
import pulumi_gcp as gcp

from components.key.contract import Key, KeyInputs, KeyOutputs

_YEAR = "31536000s"
_THIRTY_DAYS = "2592000s"
# The agents that encrypt with the key, by the domain of their address: the cluster's secrets, nodes' disks, buckets,
# images, workloads' secrets, the database and the cache.
_AGENTS = {
    "cluster": "container-engine-robot",
    "disks": "compute-system",
    "buckets": "gs-project-accounts",
    "images": "gcp-sa-artifactregistry",
    "secrets": "gcp-sa-secretmanager",
    "database": "gcp-sa-cloud-sql",
    "cache": "gcp-sa-memorystore",
}
# Agents that a project has only once somebody asked for them, and by which service.
_ASKED_FOR = {
    "images": "artifactregistry.googleapis.com",
    "secrets": "secretmanager.googleapis.com",
    "database": "sqladmin.googleapis.com",
    "cache": "memorystore.googleapis.com",
}


def _agent(known: str, domain: str) -> str:
    """The member name of an agent of the project that `known`, another agent's address, belongs to."""
    return f"serviceAccount:{known.partition('@')[0]}@{domain}.iam.gserviceaccount.com"


class GcpKey(Key):
    """A key ring with a key that encrypts and one that signs."""

    def build(self, name: str, inputs: KeyInputs) -> KeyOutputs:
        """Declare the key and who may use it."""
        place = inputs.place
        ring = gcp.kms.KeyRing(f"{name}-key", name=place.global_name("keys"), location=place.region, opts=self.child())
        key = gcp.kms.CryptoKey(
            f"{name}-key",
            name=place.name("key"),
            key_ring=ring.id,
            purpose="ENCRYPT_DECRYPT",
            rotation_period=_YEAR,
            destroy_scheduled_duration=_THIRTY_DAYS,
            version_template=gcp.kms.CryptoKeyVersionTemplateArgs(
                algorithm="GOOGLE_SYMMETRIC_ENCRYPTION", protection_level="SOFTWARE"
            ),
            labels=place.tags,
            opts=self.child(),
        )
        signer = gcp.kms.CryptoKey(
            f"{name}-signing",
            name=place.name("signing"),
            key_ring=ring.id,
            purpose="ASYMMETRIC_SIGN",
            destroy_scheduled_duration=_THIRTY_DAYS,
            version_template=gcp.kms.CryptoKeyVersionTemplateArgs(
                algorithm="EC_SIGN_ED25519", protection_level="SOFTWARE"
            ),
            labels=place.tags,
            opts=self.child(),
        )
        agent = gcp.projects.ServiceIdentity(
            f"{name}-agent", project=inputs.scope, service="container.googleapis.com", opts=self.child()
        )
        asked = {
            use: gcp.projects.ServiceIdentity(
                f"{name}-agent-{use}", project=inputs.scope, service=service, opts=self.child()
            )
            for use, service in _ASKED_FOR.items()
        }
        grants = [
            gcp.kms.CryptoKeyIAMMember(
                f"{name}-key-{use}",
                crypto_key_id=key.id,
                role="roles/cloudkms.cryptoKeyEncrypterDecrypter",
                member=agent.email.apply(lambda known, domain=domain: _agent(known, domain)),
                opts=self.child(depends_on=[asked[use]] if use in asked else []),
            )
            for use, domain in _AGENTS.items()
        ]
        # Whoever uses the key waits for the grants: the id is handed on only after them.
        usable = pulumi.Output.all(key.id, *[grant.id for grant in grants]).apply(lambda found: str(found[0]))
        empty = pulumi.Output.from_input("")
        return KeyOutputs(key_id=usable, vault_id=empty, user=empty, user_client=empty, tenant=empty, signer=signer.id)
