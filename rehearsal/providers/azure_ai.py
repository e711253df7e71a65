"""Azure AI services as ARM enforces them: accounts and the deployments in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from components.rules.checks import not_offered, strings
from components.rules.model import Problem
from rehearsal.providers.azure_arm import child_of_group, location_of, resolve, system_data
from rehearsal.providers.azure_cluster import IDENTITY, VAULT, identity_output
from rehearsal.providers.model import CloudRefusalError
from rehearsal.providers.rules import derived

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rehearsal.providers.model import Call, TypeSpec
    from rehearsal.providers.store import Resource

ACCOUNT, DEPLOYMENT = "azure-native:cognitiveservices:Account", "azure-native:cognitiveservices:Deployment"
_KEY: Final = "azure-native:keyvault:Key"
_HOW: Final = "properties.encryption.keyVaultProperties"
_BITS: Final = 2048
# What can be deployed as `Standard`, which computes in the account's region: by publisher and model the versions, and
# where. A few of many.
_EUROPE: Final = frozenset({"francecentral", "swedencentral", "westeurope", "germanywestcentral"})
_REGIONAL: Final[dict[tuple[str, str], tuple[frozenset[str], frozenset[str]]]] = {
    ("OpenAI", "text-embedding-3-large"): (frozenset({"1"}), _EUROPE | {"eastus"}),
    ("OpenAI", "gpt-4.1-mini"): (frozenset({"2025-04-14"}), frozenset({"swedencentral", "eastus"})),
}


def _encrypted(call: Call) -> Iterator[Problem]:
    if call.known("properties.encryption.keySource") != "Microsoft.KeyVault":
        return
    for path in (f"{_HOW}.keyName", f"{_HOW}.keyVaultUri", f"{_HOW}.keyVersion"):
        if call.get(path) is None:
            yield Problem(path, "is required by the API with a key of your own")
    users = strings(call.known("identity.userAssignedIdentities"))
    if call.get("identity") is None:
        yield Problem("identity", "is required by the API with a key of your own: the account reads the key by it")
    found = [user for id_ in users if (user := resolve(call, IDENTITY, id_)) is not None]
    if len(found) < len(users):
        yield Problem("identity.userAssignedIdentities", "names an identity that is not there")
    client = call.known(f"{_HOW}.identityClientId")
    if isinstance(client, str) and found and client not in {user.outputs.get("clientId") for user in found}:
        yield Problem(f"{_HOW}.identityClientId", f"{client!r} is the client id of none of the account's identities")
    yield from _key(call)


def _key(call: Call) -> Iterator[Problem]:
    uri, name = call.text(f"{_HOW}.keyVaultUri").rstrip("/"), call.text(f"{_HOW}.keyName")
    if not uri or not name:
        return
    keys = call.store.list_resources(type=_KEY)
    key = next((one for one in keys if one.outputs.get("keyUri") == f"{uri}/keys/{name}"), None)
    if key is None:
        yield Problem(f"{_HOW}.keyName", f"there is no key {uri}/keys/{name}")
        return
    bits = key.outputs.get("keySize")
    if bits != _BITS:
        yield Problem(f"{_HOW}.keyName", f"the key has {bits} bits; the service takes RSA keys of {_BITS} only")
    wanted = str(key.inputs.get("vaultName")).lower()
    vaults = call.store.list_resources(type=VAULT)
    vault = next((one for one in vaults if one.name.lower() == wanted), None)
    if vault is not None and location_of(call) and vault.region != location_of(call):
        yield Problem(f"{_HOW}.keyVaultUri", f"the key lies in {vault.region}, the account in {location_of(call)}")


def _account_outputs(call: Call, id_: str) -> dict[str, Any]:
    name = call.text("properties.customSubDomainName") or call.text("accountName")
    answer: dict[str, Any] = {
        "properties": {
            **(call.known("properties") or {}),
            "endpoint": f"https://{name}.cognitiveservices.azure.com/",
            "endpoints": {"OpenAI Language Model Instance API": f"https://{name}.openai.azure.com/"},
            "internalId": derived(id_, "internal").replace("-", ""),
            "provisioningState": "Succeeded",
        },
        "systemData": system_data(),
    }
    identity = identity_output(call, id_)
    return answer | ({"identity": identity} if identity is not None else {})


def _empty(account: Resource, call: Call) -> None:
    inside = [one for one in call.store.list_resources(type=DEPLOYMENT) if one.id.startswith(f"{account.id}/")]
    if inside:
        message = f"CannotDeleteResource: {account.id} holds {len(inside)} deployments; delete them first"
        raise CloudRefusalError(message)


def _model(call: Call) -> Iterator[Problem]:
    path, publisher, name = (
        "properties.model",
        call.known("properties.model.format"),
        call.known("properties.model.name"),
    )
    for key in ("format", "name", "version"):
        if call.get(f"{path}.{key}") is None:
            yield Problem(f"{path}.{key}", "is required by the API")
    if not isinstance(publisher, str) or not isinstance(name, str):
        return
    known = _REGIONAL.get((publisher, name))
    if known is None:
        yield Problem(f"{path}.name", f"there is no model {name!r} of {publisher!r} in the catalogue")
        return
    versions, regions = known
    version = call.known(f"{path}.version")
    if isinstance(version, str) and version not in versions:
        yield Problem(f"{path}.version", not_offered(version, versions, what="version"))
    account = resolve(call, ACCOUNT, call.text("accountName"))
    if account is not None and call.text("sku.name") == "Standard" and account.region not in regions:
        yield Problem(f"{path}.name", f"{name} is not offered as Standard in {account.region}")


# Thousands of tokens a minute that a subscription may give to one model of a region.
_QUOTA: Final = 350


def _quota(call: Call) -> Iterator[Problem]:
    capacity = call.known("sku.capacity")
    if isinstance(capacity, int) and capacity > _QUOTA:
        yield Problem("sku.capacity", f"{capacity} lies outside 1 to {_QUOTA}, the quota of the subscription")


AI_TYPES: tuple[TypeSpec, ...] = (
    child_of_group(
        ACCOUNT,
        "Microsoft.CognitiveServices/accounts",
        "accountName",
        outputs=_account_outputs,
        removal=_empty,
        rules=(_encrypted,),
    ),
    child_of_group(
        DEPLOYMENT,
        "Microsoft.CognitiveServices/accounts/deployments",
        "deploymentName",
        inside=(("accountName", ACCOUNT),),
        outputs=lambda _call, _id: {"systemData": system_data()},
        located=False,
        rules=(_model, _quota),
    ),
)
