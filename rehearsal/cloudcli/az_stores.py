"""`az postgres flexible-server` and `az storage`: backups, restores, containers, blobs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from rehearsal.cloudcli import databases as shared
from rehearsal.cloudcli.account import RefusedError
from rehearsal.providers import backups, objects
from rehearsal.providers.azure_databases import SERVER
from rehearsal.providers.azure_images import REGISTRY

if TYPE_CHECKING:
    from collections.abc import Callable

    from rehearsal.cloudcli.account import Account
    from rehearsal.cloudcli.options import Asked
    from rehearsal.providers.store import Resource

BARE = frozenset({"yes", "no-wait"})
_ACCOUNT, _CONTAINER = "azure-native:storage:StorageAccount", "azure-native:storage:BlobContainer"
_SERVICE = "azure-native:storage:BlobServiceProperties"
_STATES = {"working": "Provisioning", "ready": "Ready", "failed": "Failed"}


def _row(account: Account, type_: str, name: str) -> Resource:
    found = next((one for one in account.live(type_) if one.id.rsplit("/", 1)[-1] == name), None)
    if found is None:
        message = f"ERROR: (ResourceNotFound) {name} was not found."
        raise RefusedError(message)
    return found


def _server(row: Resource, account: Account) -> dict[str, Any]:
    key = row.inputs.get("dataEncryption") or {}
    held = shared.held(account, row)
    return {
        "name": row.id.rsplit("/", 1)[-1],
        "location": row.region,
        "state": _STATES[backups.phase(row)],
        "version": row.inputs.get("version"),
        "sku": row.inputs.get("sku"),
        "storage": {"storageSizeGb": (row.inputs.get("storage") or {}).get("storageSizeGB")},
        "network": row.inputs.get("network"),
        "backup": {"earliestRestoreDate": shared.iso(held[0]) if held else None},
        "dataEncryption": {
            "primaryKeyUri": key.get("primaryKeyURI"),
            "primaryUserAssignedIdentityId": key.get("primaryUserAssignedIdentityId"),
        },
    }


def _servers(asked: Asked, account: Account) -> Any:
    group = f"/resourcegroups/{asked.option('resource-group').lower()}/"
    return [_server(row, account) for row in account.live(SERVER) if group in row.id.lower()]


def _backups(asked: Asked, account: Account) -> Any:
    held = shared.held(account, _row(account, SERVER, asked.option("server-name")))
    return [{"name": "backup_1", "completedTime": shared.iso(held[0])}] if held else []


def _restore(asked: Asked, account: Account) -> Any:
    source, name = _row(account, SERVER, asked.option("source-server")), asked.option("name")
    network = source.inputs.get("network") or {}
    if network.get("delegatedSubnetResourceId") and not asked.option("subnet"):
        message = "ERROR: a server in a subnet of its own is restored into one: --subnet"
        raise RefusedError(message)
    id_ = f"{source.id.rsplit('/', 1)[0]}/{name}"
    inputs = {**source.inputs, "serverName": name, "createMode": "PointInTimeRestore"}
    new = replace(source, id=id_, name=name, key=id_.lower(), inputs=inputs)
    shared.restore(account, source, new, shared.moment(asked.option("restore-time")))
    return None


def _delete(asked: Asked, account: Account) -> Any:
    shared.delete(account, _row(account, SERVER, asked.option("name")))
    return None


def _account(asked: Asked, account: Account) -> Any:
    row = _row(account, _ACCOUNT, asked.option("name"))
    properties = (row.inputs.get("encryption") or {}).get("keyVaultProperties")
    return {
        "name": asked.option("name"),
        "location": row.region,
        "primaryLocation": row.region,
        "secondaryLocation": None,
        "encryption": {"keyVaultProperties": properties},
    }


def _registry(asked: Asked, account: Account) -> Any:
    row = _row(account, REGISTRY, asked.option("name"))
    return {"name": asked.option("name"), "location": row.region}


def _replications(asked: Asked, account: Account) -> Any:
    # Each registry has one of its own region; a cell declares no other.
    row = _row(account, REGISTRY, asked.option("registry"))
    return [{"name": row.region, "location": row.region}]


def _service(asked: Asked, account: Account) -> Any:
    name = asked.option("account-name")
    found = next((one for one in account.live(_SERVICE) if f"/{name.lower()}/" in one.id.lower()), None)
    return {"isVersioningEnabled": bool(found is not None and found.inputs.get("isVersioningEnabled"))}


def _inside(asked: Asked, account: Account) -> list[Resource]:
    """The containers of the account that is asked."""
    parent = f"{_row(account, _ACCOUNT, asked.option('account-name')).id}/".lower()
    return [one for one in account.live(_CONTAINER) if one.id.lower().startswith(parent)]


def _container(asked: Asked, account: Account, name: str) -> str:
    found = next((one for one in _inside(asked, account) if one.id.rsplit("/", 1)[-1] == name), None)
    if found is None:
        message = f"ERROR: The specified container does not exist: {name}"
        raise RefusedError(message)
    return found.id


def _containers(asked: Asked, account: Account) -> Any:
    names = [one.id.rsplit("/", 1)[-1] for one in _inside(asked, account)]
    return [{"name": name} for name in names if name.startswith(asked.option("prefix"))]


def _make(asked: Asked, account: Account) -> Any:
    name = asked.option("name")
    parent = _row(account, _ACCOUNT, asked.option("account-name"))
    shared.make_bucket(account, _CONTAINER, id_=f"{parent.id}/containers/{name}", name=name, region=parent.region)
    return {"created": True}


def _drop(asked: Asked, account: Account) -> Any:
    shared.drop_bucket(account, _CONTAINER, _container(asked, account, asked.option("name")))
    return {"deleted": True}


def _blobs(asked: Asked, account: Account) -> Any:
    id_ = _container(asked, account, asked.option("container-name"))
    latest = objects.latest(account.store, id_)
    return [
        {
            "name": one.key,
            "versionId": str(one.number),
            "isCurrentVersion": True if latest[one.key] == one else None,
            "properties": {"contentSettings": {"contentMd5": shared.md5(one.content)}},
        }
        for one in objects.versions(account.store, id_)
        if latest[one.key] == one or "v" in asked.option("include")
    ]


def _upload(asked: Asked, account: Account) -> Any:
    id_ = _container(asked, account, asked.option("container-name"))
    objects.put(account.store, id_, asked.option("name"), shared.content(asked.option("file")))
    return None


def _copy(asked: Asked, account: Account) -> Any:
    url = urlsplit(asked.option("source-uri"))
    source, _, key = url.path.removeprefix("/").partition("/")
    number = parse_qs(url.query).get("versionid")
    shared.copy(
        account,
        _container(asked, account, source),
        _container(asked, account, asked.option("destination-container")),
        key=key,
        number=int(number[0]) if number else None,
        target_key=asked.option("destination-blob"),
    )
    return {"copy_status": "success"}


COMMANDS: dict[tuple[str, ...], Callable[[Asked, Account], Any]] = {
    ("postgres", "flexible-server", "show"): lambda asked, account: _server(
        _row(account, SERVER, asked.option("name")), account
    ),
    ("postgres", "flexible-server", "list"): _servers,
    ("postgres", "flexible-server", "backup", "list"): _backups,
    ("postgres", "flexible-server", "restore"): _restore,
    ("postgres", "flexible-server", "delete"): _delete,
    ("acr", "show"): _registry,
    ("acr", "replication", "list"): _replications,
    ("storage", "account", "show"): _account,
    ("storage", "account", "blob-service-properties", "show"): _service,
    ("storage", "container", "list"): _containers,
    ("storage", "container", "create"): _make,
    ("storage", "container", "delete"): _drop,
    ("storage", "blob", "list"): _blobs,
    ("storage", "blob", "upload"): _upload,
    ("storage", "blob", "copy", "start"): _copy,
}
