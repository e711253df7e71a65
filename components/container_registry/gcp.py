"""Artifact Registry on GCP: one regional Docker repository with the cell's key, tags that cannot be moved, scanning.

A part is the first segment of an image's path: Artifact Registry has no namespaces inside a repository. Nodes reach it
by Private Google Access. Deliberately not set: cleanup policies (what no tag names may still run by its digest), remote
and virtual modes (they serve images from elsewhere). Limits: key, location and format cannot be changed; scanning runs
only where the project has it switched on.
"""

from __future__ import annotations

import pulumi_gcp as gcp

from components.container_registry.contract import (
    ContainerRegistry,
    ContainerRegistryInputs,
    ContainerRegistryOutputs,
)


class GcpContainerRegistry(ContainerRegistry):
    """A repository."""

    def build(self, name: str, inputs: ContainerRegistryInputs) -> ContainerRegistryOutputs:
        """Declare the repository and who may pull."""
        place, artifacts = inputs.place, gcp.artifactregistry
        repository = artifacts.Repository(
            f"{name}-registry",
            repository_id=place.name("images"),
            location=place.region,
            description=f"Images and weights of cell {place.cell.cell.name}",
            format="DOCKER",
            mode="STANDARD_REPOSITORY",
            kms_key_name=inputs.key.key_id,
            docker_config=artifacts.RepositoryDockerConfigArgs(immutable_tags=True),
            vulnerability_scanning_config=artifacts.RepositoryVulnerabilityScanningConfigArgs(
                enablement_config="INHERITED"
            ),
            deletion_policy="PREVENT" if place.protect else "DELETE",
            labels=place.tags,
            opts=self.child(),
        )
        artifacts.RepositoryIamMember(
            f"{name}-registry-nodes",
            repository=repository.id,
            location=place.region,
            role="roles/artifactregistry.reader",
            member=inputs.cluster.node_identity.apply(lambda email: f"serviceAccount:{email}"),
            opts=self.child(),
        )
        return ContainerRegistryOutputs(registry_id=repository.id, address=repository.registry_uri)
