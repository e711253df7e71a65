"""Azure container registries as ARM enforces them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from components.rules.model import Problem
from rehearsal.providers.azure_arm import TENANT, child_of_group, location_of, resolve, system_data
from rehearsal.providers.azure_cluster import IDENTITY, VAULT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rehearsal.providers.model import Call, TypeSpec
    from rehearsal.providers.store import Resource

REGISTRY, KEY = "azure-native:containerregistry:Registry", "azure-native:keyvault:Key"
_ENCRYPTION = "encryption.keyVaultProperties"


def _users(call: Call) -> Mapping[str, Any]:
    users = call.known("identity.userAssignedIdentities")
    return users if isinstance(users, dict) else {}


def _identities(call: Call) -> Iterator[Problem]:
    for user in _users(call):
        if resolve(call, IDENTITY, user) is None:
            yield Problem("identity.userAssignedIdentities", f"there is no identity {user!r}")


def _encrypted(call: Call) -> Iterator[Problem]:
    if call.known("encryption.status") != "enabled":
        return
    if call.known("policies.trustPolicy.status") == "enabled":
        yield Problem("policies.trustPolicy.status", "cannot be had with a key of your own")
    for path in (f"{_ENCRYPTION}.keyIdentifier", f"{_ENCRYPTION}.identity"):
        if call.get(path) is None:
            yield Problem(path, "is required by the API with a key of your own")
    if call.get("identity") is None:
        yield Problem("identity", "is required by the API with a key of your own: the registry reads the key by it")
    client = call.known(f"{_ENCRYPTION}.identity")
    found = [user for id_ in _users(call) if (user := resolve(call, IDENTITY, id_)) is not None]
    if isinstance(client, str) and found and client not in {user.outputs.get("clientId") for user in found}:
        yield Problem(f"{_ENCRYPTION}.identity", f"{client!r} is the client id of none of the registry's identities")
    yield from key_problems(call, f"{_ENCRYPTION}.keyIdentifier", of="the registry")


def key_problems(call: Call, path: str, *, of: str) -> Iterator[Problem]:
    """Whether the key whose URI lies at a path is there, near and kept; `of` is what it encrypts."""
    uri = call.text(path)
    if not uri:
        return
    vault = _vault_of(call, uri)
    if vault is None:
        yield Problem(path, f"there is no key {uri!r}")
        return
    if location_of(call) and vault.region != location_of(call):
        yield Problem(path, f"the key lies in {vault.region}, {of} in {location_of(call)}")
    properties = vault.inputs.get("properties")
    if not isinstance(properties, dict) or properties.get("enablePurgeProtection") is not True:
        yield Problem(path, f"vault {vault.name} has no purge protection; the key of {of} needs it")


def _vault_of(call: Call, uri: str) -> Resource | None:
    for key in call.store.list_resources(type=KEY):
        base = str(key.outputs.get("keyUri"))
        if uri == base or uri.startswith(f"{base}/"):
            wanted = str(key.inputs.get("vaultName")).lower()
            return next((one for one in call.store.list_resources(type=VAULT) if one.name.lower() == wanted), None)
    return None


def _outputs(call: Call, _id: str) -> dict[str, Any]:
    name = call.text("registryName").lower()
    answer: dict[str, Any] = {
        "loginServer": f"{name}.azurecr.io",
        "creationDate": system_data()["createdAt"],
        "provisioningState": "Succeeded",
        "dataEndpointHostNames": [],
        "privateEndpointConnections": [],
        "systemData": system_data(),
    }
    if call.known("dataEndpointEnabled") is True:
        answer["dataEndpointHostNames"] = [f"{name}.{location_of(call)}.data.azurecr.io"]
    identity = identity_given(call)
    return answer | ({"identity": identity} if identity else {})


def identity_given(call: Call) -> dict[str, Any]:
    """The identities as ARM gives them back, for types that take them as a map."""
    if call.get("identity") is None:
        return {}
    return {
        "type": call.text("identity.type"),
        "principalId": "",
        "tenantId": TENANT,
        "userAssignedIdentities": {id_: _ids(resolve(call, IDENTITY, id_)) for id_ in _users(call)},
    }


def _ids(user: Resource | None) -> dict[str, str]:
    outputs = user.outputs if user else {}
    return {name: str(outputs.get(name, "")) for name in ("clientId", "principalId")}


IMAGE_TYPES: tuple[TypeSpec, ...] = (
    child_of_group(
        REGISTRY,
        "Microsoft.ContainerRegistry/registries",
        "registryName",
        outputs=_outputs,
        rules=(
            _identities,
            _encrypted,
        ),
    ),
)
