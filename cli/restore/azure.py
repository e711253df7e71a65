"""Flexible servers and Blob Storage with `az`: a restore to a point in time; copies of the current versions of all
blobs of the account into one scratch container of it.

The account is reached from inside the cell's network only: run this where its private endpoint can be resolved. The
scratch of a server takes the subnet, the private name and the key of the original. A deleted container stays
restorable, and paid for, as long as the account keeps the deleted.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from cli.restore import model
from cli.restore.shelf import moment, of_type, stamp

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from cli.check.tool import Tool

_SERVER = "azure-native:dbforpostgresql:Server"
_CONTAINER = "azure-native:storage:BlobContainer"
_STATES = {"Ready": "ready", "Failed": "failed", "Dropping": "failed", "Disabled": "failed"}
# The service writes its log away at least this often; how far it is at a moment, nobody tells.
_LOG_LAG = timedelta(minutes=5)


def database(tool: Tool, region: str, account: str, resources: Sequence[Mapping[str, Any]]) -> Database:
    """The cell's server."""
    parts = str(of_type(resources, _SERVER)[0]["id"]).strip("/").split("/")
    return Database(tool, region, account, parts[3], parts[-1])


def bucket(tool: Tool, region: str, account: str, resources: Sequence[Mapping[str, Any]]) -> Bucket:
    """The cell's storage account with all its containers; other accounts of the stack have none."""
    paths = [str(one["id"]).strip("/").split("/") for one in of_type(resources, _CONTAINER)]
    group, name = paths[0][3], paths[0][7]
    inside = sorted(path[-1] for path in paths if path[7].lower() == name.lower())
    return Bucket(tool, region, account, group, name, tuple(inside))


@dataclass(frozen=True)
class _Asking:
    """One subscription and location, and the original's group and name."""

    tool: Tool
    region: str
    subscription: str
    group: str
    source: str

    def _ask(self, *args: str) -> Any:
        chosen = ("--subscription", self.subscription) if self.subscription else ()
        return self.tool.ask(*args, *chosen, "--output", "json")


@dataclass(frozen=True)
class Database(_Asking):
    """A flexible server."""

    def _server(self, verb: str, *args: str) -> Any:
        return self._ask("postgres", "flexible-server", verb, "--resource-group", self.group, *args)

    def original(self) -> model.Facts:
        """The server's own description."""
        return self._facts(self._server("show", "--name", self.source))

    def newest(self, at: datetime) -> model.Point | None:
        """Five minutes ago where the log reaches back so far, else the newest full backup; None without either."""
        told = self._server("show", "--name", self.source).get("backup") or {}
        earliest = moment(str(told["earliestRestoreDate"])) if told.get("earliestRestoreDate") else None
        if earliest is None:
            return None
        if earliest <= at - _LOG_LAG:
            says = "the log is written away at least every five minutes; this point was asked for"
            return model.Point(at=at - _LOG_LAG, says=says, earliest=earliest)
        listed = self._ask(
            # Here alone the server is not called `--name`, as azure-cli 2.91.0 takes it.
            "postgres",
            "flexible-server",
            "backup",
            "list",
            "--resource-group",
            self.group,
            "--server-name",
            self.source,
        )
        ends = [moment(str(one["completedTime"])) for one in listed if one.get("completedTime")]
        ends = [end for end in ends if end <= at]
        return model.Point(at=max(ends), says="the newest full backup", earliest=earliest) if ends else None

    def scratches(self, prefix: str) -> list[model.Scratch]:
        """By name, in the cell's group."""
        return [self._scratch(one) for one in self._server("list") if str(one["name"]).startswith(prefix)]

    def begin(self, name: str, point: model.Point) -> str:
        """Into the original's subnet, with its key."""
        told = self._server("show", "--name", self.source)
        network, key = told.get("network") or {}, told.get("dataEncryption") or {}
        asked = ["--name", name, "--source-server", self.source, "--restore-time", stamp(point.at)]
        for option, value in (
            ("--subnet", network.get("delegatedSubnetResourceId")),
            ("--private-dns-zone", network.get("privateDnsZoneArmResourceId")),
            ("--key", key.get("primaryKeyUri") or key.get("primaryKeyURI")),
            ("--identity", key.get("primaryUserAssignedIdentityId")),
        ):
            asked += [option, str(value)] if value else []
        self._server("restore", *asked, "--yes", "--no-wait")
        return name

    def look(self, id_: str) -> model.Scratch | None:
        """The one of this name."""
        return next((one for one in self.scratches(id_) if one.id == id_), None)

    def restored(self, id_: str) -> model.Facts:
        """The scratch's own description."""
        return self._facts(self._server("show", "--name", id_))

    def remove(self, id_: str) -> None:
        """The tool waits until it is gone."""
        if self.look(id_) is not None:
            self._server("delete", "--name", id_, "--yes")

    def by_hand(self, id_: str) -> str:
        """The tool's own command."""
        return f"az postgres flexible-server delete --resource-group {self.group} --name {id_}"

    def _facts(self, told: Mapping[str, Any]) -> model.Facts:
        region = _plain(str(told["location"]))
        key = told.get("dataEncryption") or {}
        disk = (told.get("storage") or {}).get("storageSizeGb")
        return model.Facts(
            region=region,
            settings={
                "region": region,
                "version": told.get("version"),
                "size": (told.get("sku") or {}).get("name"),
                "diskGib": None if disk is None else str(disk),
                "key": key.get("primaryKeyUri") or key.get("primaryKeyURI"),
            },
            unread="nobody logs in to the scratch, so rows are not compared",
        )

    def _scratch(self, told: Mapping[str, Any]) -> model.Scratch:
        name, state = str(told["name"]), str(told.get("state"))
        mine = _STATES.get(state, "working")
        return model.Scratch(id=name, name=name, region=_plain(str(told["location"])), state=mine, says=state)  # pyright: ignore[reportArgumentType]


@dataclass(frozen=True)
class Bucket(_Asking):
    """A storage account. With versions kept, whatever was written is there to be put back at once."""

    containers: tuple[str, ...]

    def _blob(self, *args: str) -> Any:
        return self._ask("storage", *args, "--account-name", self.source, "--auth-mode", "login")

    def original(self) -> model.Facts:
        """The account and the current versions in its containers."""
        sums = {
            f"{container}/{one['name']}": _sum(one) for container in self.containers for one in self._current(container)
        }
        return self._facts(sums)

    def newest(self, at: datetime) -> model.Point | None:
        """Every write, while versions are kept."""
        named = ("--account-name", self.source, "--resource-group", self.group)
        told = self._ask("storage", "account", "blob-service-properties", "show", *named)
        if not told.get("isVersioningEnabled"):
            return None
        return model.Point(at=at, says="versions are kept, so that every write can be put back")

    def scratches(self, prefix: str) -> list[model.Scratch]:
        """Containers of the account by name; one is at work while a copy in it is."""
        listed = self._blob("container", "list", "--prefix", prefix, "--num-results", "*")
        names = [str(one["name"]) for one in listed if str(one["name"]).startswith(prefix)]
        return [self._scratch(name) for name in names if name not in self.containers]

    def begin(self, name: str, point: model.Point) -> str:
        """A container, and a copy of each current version inside the account."""
        del point
        self._blob("container", "create", "--name", name, "--public-access", "off")
        for container in self.containers:
            for one in self._current(container):
                origin = f"https://{self.source}.blob.core.windows.net/{container}/{one['name']}"
                picked = f"{origin}?versionid={one['versionId']}" if one.get("versionId") else origin
                target = ("--destination-container", name, "--destination-blob", f"{container}/{one['name']}")
                self._blob("blob", "copy", "start", "--source-uri", picked, *target)
        return name

    def look(self, id_: str) -> model.Scratch | None:
        """The one of this name."""
        return next((one for one in self.scratches(id_) if one.id == id_), None)

    def restored(self, id_: str) -> model.Facts:
        """The account and what was copied."""
        return self._facts({str(one["name"]): _sum(one) for one in self._current(id_)})

    def remove(self, id_: str) -> None:
        """With all blobs in it."""
        if self.look(id_) is not None:
            self._blob("container", "delete", "--name", id_)

    def by_hand(self, id_: str) -> str:
        """The tool's own command."""
        return f"az storage container delete --account-name {self.source} --name {id_} --auth-mode login"

    def _current(self, container: str) -> list[Any]:
        listed = self._blob("blob", "list", "--container-name", container, "--include", "vc", "--num-results", "*")
        return [one for one in listed if one.get("isCurrentVersion") or not one.get("versionId")]

    def _account(self) -> Any:
        return self._ask("storage", "account", "show", "--name", self.source, "--resource-group", self.group)

    def _facts(self, sums: Mapping[str, str | None]) -> model.Facts:
        told = self._account()
        region = _plain(str(told["location"] if "location" in told else told["primaryLocation"]))
        key = ((told.get("encryption") or {}).get("keyVaultProperties") or {}).get("keyName")
        return model.Facts(region=region, settings={"region": region, "key": key}, objects=sums)

    def _scratch(self, name: str) -> model.Scratch:
        states = {
            str(((one.get("properties") or {}).get("copy") or {}).get("status") or "success")
            for one in self._current(name)
        }
        bad = states & {"failed", "aborted"}
        state = "failed" if bad else "working" if "pending" in states else "ready"
        region = self._facts({}).region
        return model.Scratch(id=name, name=name, region=region, state=state, says=", ".join(sorted(states)))


def _sum(blob: Mapping[str, Any]) -> str | None:
    return ((blob.get("properties") or {}).get("contentSettings") or {}).get("contentMd5")


def _plain(location: str) -> str:
    """`France Central` and `francecentral` are the same place."""
    return location.replace(" ", "").lower()
