"""RDS and OSS with `aliyun`: an instance cloned to a point in time; copies of the latest versions of all objects.

A clone is found by its description, because the service chooses its id.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cli.check.tool import NotAskedError
from cli.restore import model
from cli.restore.shelf import moment, of_type, stamp

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from cli.check.tool import Tool

_INSTANCE, _BUCKET = "alicloud:rds/instance:Instance", "alicloud:oss/bucket:Bucket"
_STATES = {"Running": "ready", "Released": "failed", "RestoreFailed": "failed"}
_PAGE = "1000"


def database(tool: Tool, region: str, account: str, resources: Sequence[Mapping[str, Any]]) -> Database:
    """The cell's instance."""
    del account
    found = of_type(resources, _INSTANCE)[0]
    return Database(tool, region, str(found["id"]), inputs=dict(found.get("inputs") or {}))


def bucket(tool: Tool, region: str, account: str, resources: Sequence[Mapping[str, Any]]) -> Bucket:
    """The cell's bucket."""
    del account
    return Bucket(tool, region, str(of_type(resources, _BUCKET)[0]["id"]))


@dataclass(frozen=True)
class Database:
    """An instance of RDS for PostgreSQL."""

    tool: Tool
    region: str
    source: str
    inputs: dict[str, Any] = field(default_factory=dict[str, Any])

    def _ask(self, action: str, *args: str) -> Any:
        return self.tool.ask("rds", action, *args)

    def original(self) -> model.Facts:
        """The instance's attributes."""
        return self._facts(self.source)

    def newest(self, at: datetime) -> model.Point | None:
        """Where its log ends; None while it has none."""
        told = self._ask("DescribeLocalAvailableRecoveryTime", "--DBInstanceId", self.source, "--Region", self.region)
        if not told.get("RecoveryEndTime"):
            return None
        begin = told.get("RecoveryBeginTime")
        return model.Point(
            at=min(moment(str(told["RecoveryEndTime"])), at),
            says="the end of the log that the cloud can restore from",
            earliest=moment(str(begin)) if begin else None,
        )

    def scratches(self, prefix: str) -> list[model.Scratch]:
        """By description; instances that are not ours have others."""
        asked = ("--RegionId", self.region, "--SearchKey", prefix, "--PageSize", "100")
        listed = self._ask("DescribeDBInstances", *asked)["Items"]["DBInstance"]
        return [
            self._scratch(one)
            for one in listed
            if str(one.get("DBInstanceDescription") or "").startswith(prefix) and one["DBInstanceId"] != self.source
        ]

    def begin(self, name: str, point: model.Point) -> str:
        """A clone in the subnet of the original."""
        asked = ["--DBInstanceId", self.source, "--RegionId", self.region, "--RestoreTime", stamp(point.at)]
        asked += ["--PayType", "Postpaid", "--DBInstanceDescription", name, "--ClientToken", name]
        if self.inputs.get("vpcId") and self.inputs.get("vswitchId"):
            asked += ["--VPCId", str(self.inputs["vpcId"]), "--VSwitchId", str(self.inputs["vswitchId"])]
        if self.inputs.get("zoneId"):
            asked += ["--ZoneId", str(self.inputs["zoneId"])]
        return str(self._ask("CloneDBInstance", *asked)["DBInstanceId"])

    def look(self, id_: str) -> model.Scratch | None:
        """The one of this id, wherever it is."""
        try:
            listed = self._ask("DescribeDBInstanceAttribute", "--DBInstanceId", id_)["Items"]["DBInstanceAttribute"]
        except NotAskedError as error:
            if "NotFound" in error.message:
                return None
            raise
        return self._scratch(listed[0]) if listed else None

    def restored(self, id_: str) -> model.Facts:
        """The clone's attributes."""
        return self._facts(id_)

    def remove(self, id_: str) -> None:
        """With its backups."""
        if self.look(id_) is not None:
            self._ask("DeleteDBInstance", "--DBInstanceId", id_, "--ReleasedKeepPolicy", "None")

    def by_hand(self, id_: str) -> str:
        """The tool's own command."""
        return f"aliyun rds DeleteDBInstance --DBInstanceId {id_} --ReleasedKeepPolicy None"

    def _facts(self, id_: str) -> model.Facts:
        told = self._ask("DescribeDBInstanceAttribute", "--DBInstanceId", id_)["Items"]["DBInstanceAttribute"][0]
        key = self._ask("DescribeDBInstanceEncryptionKey", "--DBInstanceId", id_).get("EncryptionKey")
        disk = told.get("DBInstanceStorage")
        return model.Facts(
            region=str(told["RegionId"]),
            settings={
                "region": str(told["RegionId"]),
                "version": told.get("EngineVersion"),
                "size": told.get("DBInstanceClass"),
                "diskGib": None if disk is None else str(disk),
                "availability": told.get("Category"),
                "key": key,
            },
            unread="nobody logs in to the scratch, so rows are not compared",
        )

    def _scratch(self, told: Mapping[str, Any]) -> model.Scratch:
        state = str(told.get("DBInstanceStatus"))
        return model.Scratch(
            id=str(told["DBInstanceId"]),
            name=str(told.get("DBInstanceDescription") or ""),
            region=str(told["RegionId"]),
            state=_STATES.get(state, "working"),  # pyright: ignore[reportArgumentType]
            says=state,
        )


@dataclass(frozen=True)
class Bucket:
    """A bucket of OSS. With versions kept, whatever was written is there to be put back at once."""

    tool: Tool
    region: str
    source: str

    def _ask(self, *args: str) -> Any:
        return self.tool.ask("ossutil", "api", *args, "--region", self.region, "--output-format", "json") or {}

    def original(self) -> model.Facts:
        """The bucket and the latest versions in it."""
        return self._facts(self.source)

    def newest(self, at: datetime) -> model.Point | None:
        """Every write, while versions are kept."""
        told = self._ask("get-bucket-versioning", "--bucket", self.source)
        if told.get("Status") != "Enabled":
            return None
        return model.Point(at=at, says="versions are kept, so that every write can be put back")

    def scratches(self, prefix: str) -> list[model.Scratch]:
        """By name, in every region."""
        listed = (self._ask("list-buckets", "--prefix", prefix).get("Buckets") or {}).get("Bucket") or ()
        return [self._scratch(one) for one in listed if str(one["Name"]).startswith(prefix)]

    def begin(self, name: str, point: model.Point) -> str:
        """A private bucket under the same key without versions, and each object by its version."""
        del point
        self._ask("put-bucket", "--bucket", name, "--acl", "private")
        key = self._key(self.source)
        if key:
            rule = f'{{"ApplyServerSideEncryptionByDefault":{{"SSEAlgorithm":"KMS","KMSMasterKeyID":"{key}"}}}}'
            self._ask("put-bucket-encryption", "--bucket", name, "--server-side-encryption-rule", rule)
        for one in self._latest(self.source):
            origin, target = f"oss://{self.source}/{one['Key']}", f"oss://{name}/{one['Key']}"
            picked = ("--version-id", str(one["VersionId"])) if one.get("VersionId") else ()
            self.tool.text("ossutil", "cp", origin, target, *picked, "--region", self.region, "--force")
        return name

    def look(self, id_: str) -> model.Scratch | None:
        """The one of this name: ready, as the copies are made one after the other."""
        return next((one for one in self.scratches(id_) if one.id == id_), None)

    def restored(self, id_: str) -> model.Facts:
        """The scratch and its objects."""
        return self._facts(id_)

    def remove(self, id_: str) -> None:
        """Its objects, then itself."""
        if self.look(id_) is None:
            return
        self.tool.text(
            "ossutil", "rm", f"oss://{id_}", "--recursive", "--all-versions", "--force", "--region", self.region
        )
        self._ask("delete-bucket", "--bucket", id_)

    def by_hand(self, id_: str) -> str:
        """The tool's own command."""
        return f"aliyun ossutil rm oss://{id_} --bucket --recursive --all-versions"

    def _key(self, name: str) -> str | None:
        told = self._ask("get-bucket-encryption", "--bucket", name).get("ApplyServerSideEncryptionByDefault") or {}
        return told.get("KMSMasterKeyID") or None

    def _latest(self, name: str) -> list[Any]:
        """The latest version of each object, page by page."""
        found: list[Any] = []
        after: tuple[str, ...] = ()
        while True:
            page = self._ask("list-object-versions", "--bucket", name, "--max-keys", _PAGE, *after)
            found += [one for one in page.get("Version") or () if str(one.get("IsLatest")).lower() == "true"]
            if str(page.get("IsTruncated")).lower() != "true":
                return found
            after = ("--key-marker", str(page["NextKeyMarker"]))
            after += ("--version-id-marker", str(page["NextVersionIdMarker"]))

    def _sum(self, name: str, key: str) -> str | None:
        """The checksum of the whole object; its ETag would tell how it was uploaded too."""
        told = self._ask("head-object", "--bucket", name, "--key", key)
        return told.get("X-Oss-Hash-Crc64ecma") or told.get("x-oss-hash-crc64ecma")

    def _facts(self, name: str) -> model.Facts:
        told = self._ask("get-bucket-info", "--bucket", name)["Bucket"]
        region = str(told["Location"]).removeprefix("oss-")
        keys = [str(one["Key"]) for one in self._latest(name)]
        return model.Facts(
            region=region,
            settings={"region": region, "key": self._key(name)},
            objects={key: self._sum(name, key) for key in keys},
        )

    def _scratch(self, told: Mapping[str, Any]) -> model.Scratch:
        name = str(told["Name"])
        return model.Scratch(id=name, name=name, region=str(told["Location"]).removeprefix("oss-"), state="ready")
