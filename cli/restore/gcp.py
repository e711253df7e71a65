"""Cloud SQL and Cloud Storage with `gcloud`: a clone to a point in time; copies of the live generations of all objects.

A clone keeps its original's protection against deletion, so it is lifted from the scratch first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cli.check.tool import NotAskedError
from cli.restore import model
from cli.restore.shelf import moment, of_type, stamp

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from cli.check.tool import Tool

_INSTANCE, _BUCKET = "gcp:sql/databaseInstance:DatabaseInstance", "gcp:storage/bucket:Bucket"
_STATES = {"RUNNABLE": "ready", "FAILED": "failed", "SUSPENDED": "failed"}


def database(tool: Tool, region: str, account: str, resources: Sequence[Mapping[str, Any]]) -> Database:
    """The cell's instance."""
    found = of_type(resources, _INSTANCE)[0]
    return Database(tool, region, account, str((found.get("outputs") or {}).get("name") or found["id"]))


def bucket(tool: Tool, region: str, account: str, resources: Sequence[Mapping[str, Any]]) -> Bucket:
    """The cell's bucket."""
    found = of_type(resources, _BUCKET)[0]
    return Bucket(tool, region, account, str((found.get("outputs") or {}).get("name") or found["id"]))


@dataclass(frozen=True)
class _Asking:
    """One project and region, and the name of the original."""

    tool: Tool
    region: str
    project: str
    source: str

    def _ask(self, *args: str) -> Any:
        project = (f"--project={self.project}",) if self.project else ()
        return self.tool.ask(*args, *project, "--format=json")


class Database(_Asking):
    """An instance of Cloud SQL."""

    def original(self) -> model.Facts:
        """The instance's own description."""
        return self._facts(self._described(self.source))

    def newest(self, at: datetime) -> model.Point | None:
        """Where its log ends; None while it has none."""
        told = self._ask("sql", "instances", "get-latest-recovery-time", self.source) or {}
        if not told.get("latestRecoveryTime"):
            return None
        earliest = told.get("earliestRecoveryTime")
        return model.Point(
            at=min(moment(str(told["latestRecoveryTime"])), at),
            says="the end of the log that the cloud can restore from",
            earliest=moment(str(earliest)) if earliest else None,
        )

    def scratches(self, prefix: str) -> list[model.Scratch]:
        """By name, in every region of the project."""
        listed = self._ask("sql", "instances", "list", f"--filter=name~^{prefix}")
        return [self._scratch(one) for one in listed if str(one["name"]).startswith(prefix)]

    def begin(self, name: str, point: model.Point) -> str:
        """A clone; the service puts it into the original's region."""
        asked = ("sql", "instances", "clone", self.source, name, f"--point-in-time={stamp(point.at)}")
        self._ask(*asked, "--async", "--quiet")
        return name

    def look(self, id_: str) -> model.Scratch | None:
        """The one of this name."""
        return next((one for one in self.scratches(id_) if one.id == id_), None)

    def restored(self, id_: str) -> model.Facts:
        """The clone's own description."""
        return self._facts(self._described(id_))

    def remove(self, id_: str) -> None:
        """The protection first."""
        if self.look(id_) is None:
            return
        self._ask("sql", "instances", "patch", id_, "--no-deletion-protection", "--quiet")
        self._ask("sql", "instances", "delete", id_, "--async", "--quiet")

    def by_hand(self, id_: str) -> str:
        """The tool's own command."""
        return f"gcloud sql instances delete {id_}"

    def _described(self, name: str) -> Any:
        return self._ask("sql", "instances", "describe", name)

    def _facts(self, told: Mapping[str, Any]) -> model.Facts:
        settings = told.get("settings") or {}
        key = (told.get("diskEncryptionConfiguration") or {}).get("kmsKeyName")
        disk = settings.get("dataDiskSizeGb")
        return model.Facts(
            region=str(told["region"]),
            settings={
                "region": str(told["region"]),
                "version": told.get("databaseVersion"),
                "size": settings.get("tier"),
                "diskGib": None if disk is None else str(disk),
                "availability": settings.get("availabilityType"),
                "key": key,
            },
            unread="nobody logs in to the scratch, so rows are not compared",
        )

    def _scratch(self, told: Mapping[str, Any]) -> model.Scratch:
        name, state = str(told["name"]), str(told.get("state"))
        mine = _STATES.get(state, "working")
        return model.Scratch(id=name, name=name, region=str(told["region"]), state=mine, says=state)  # pyright: ignore[reportArgumentType]


class Bucket(_Asking):
    """A bucket of Cloud Storage. With versions kept, whatever was written is there to be put back at once."""

    def original(self) -> model.Facts:
        """The bucket and its live objects."""
        return self._facts(self.source)

    def newest(self, at: datetime) -> model.Point | None:
        """Every write, while versions are kept."""
        if not self._bucket(self.source).get("versioning_enabled"):
            return None
        return model.Point(at=at, says="versions are kept, so that every write can be put back")

    def scratches(self, prefix: str) -> list[model.Scratch]:
        """By name."""
        listed = self._ask("storage", "buckets", "list", f"--filter=name~^{prefix}")
        return [self._scratch(one) for one in listed if str(one["name"]).startswith(prefix)]

    def begin(self, name: str, point: model.Point) -> str:
        """A bucket under the same key that keeps nothing after its deletion, and each object by its generation."""
        del point
        key = self._bucket(self.source).get("default_kms_key")
        shut = ("--uniform-bucket-level-access", "--public-access-prevention", "--soft-delete-duration=0")
        keyed = (f"--default-encryption-key={key}",) if key else ()
        self._ask("storage", "buckets", "create", f"gs://{name}", f"--location={self.region}", *shut, *keyed)
        for one in self._objects(self.source):
            origin = f"gs://{self.source}/{one['name']}#{one['generation']}"
            self._ask("storage", "cp", origin, f"gs://{name}/{one['name']}")
        return name

    def look(self, id_: str) -> model.Scratch | None:
        """The one of this name: ready, as the copies are made one after the other."""
        return next((one for one in self.scratches(id_) if one.id == id_), None)

    def restored(self, id_: str) -> model.Facts:
        """The scratch and its objects."""
        return self._facts(id_)

    def remove(self, id_: str) -> None:
        """With all objects in it."""
        if self.look(id_) is not None:
            self._ask("storage", "rm", "--recursive", f"gs://{id_}")

    def by_hand(self, id_: str) -> str:
        """The tool's own command."""
        return f"gcloud storage rm --recursive gs://{id_}"

    def _bucket(self, name: str) -> Any:
        return self._ask("storage", "buckets", "describe", f"gs://{name}")

    def _objects(self, name: str) -> list[Any]:
        try:
            return list(self._ask("storage", "objects", "list", f"gs://{name}/**") or ())
        except NotAskedError as error:
            # What the tool says of an empty bucket, and ends with 1.
            if "matched no objects" in error.message:
                return []
            raise

    def _facts(self, name: str) -> model.Facts:
        told = self._bucket(name)
        region = str(told["location"]).lower()
        return model.Facts(
            region=region,
            settings={"region": region, "key": told.get("default_kms_key")},
            objects={str(one["name"]): one.get("crc32c_hash") for one in self._objects(name)},
        )

    def _scratch(self, told: Mapping[str, Any]) -> model.Scratch:
        name = str(told["name"])
        return model.Scratch(id=name, name=name, region=str(told["location"]).lower(), state="ready")
