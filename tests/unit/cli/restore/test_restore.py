"""One restore test on three emulated accounts, through executables of the clouds' own names."""

from __future__ import annotations

import importlib
import json
import time
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest

from cli import errors
from cli.app import Clock
from cli.check import probe
from cli.check.tool import Tool
from cli.restore import model, run
from cli.restore import shelf as shelves
from cli.restore.cells import prefix
from cli.restore.shelf import SHELVES, shelf_of
from components.clouds.needs import NEEDS
from rehearsal.cloudcli import databases
from rehearsal.cloudcli.__main__ import TOOLS
from rehearsal.cloudcli.account import Account, RefusedError
from rehearsal.kube import install
from rehearsal.providers import backups, objects
from rehearsal.providers.store import Resource, Store

if TYPE_CHECKING:
    from pathlib import Path

    from cli.restore.model import Kind

CLOUDS = ("alicloud", "gcp", "azure")
REGIONS = {"alicloud": "cn-shanghai", "gcp": "europe-west4", "azure": "francecentral"}
ELSEWHERE = {"alicloud": "cn-beijing", "gcp": "us-central1", "azure": "eastus"}
_GROUP = "/subscriptions/s/resourceGroups/g/providers"
_ACCOUNT = f"{_GROUP}/Microsoft.Storage/storageAccounts/twainweights"
_SERVICE = f"{_ACCOUNT}/blobServices/default"
_CONTAINER = f"{_SERVICE}/containers/weights"
# Per cloud: type, id and inputs of what a cell's stack holds; the last one is where objects lie.
STORES: dict[str, tuple[tuple[str, str, dict[str, Any]], ...]] = {
    "alicloud": (
        (
            "alicloud:rds/instance:Instance",
            "pgm-original",
            {
                "instanceName": "twain-db", "engine": "PostgreSQL", "engineVersion": "17.0", "instanceStorage": 50,
                "category": "HighAvailability", "instanceType": "pg.n2.2c.2m", "encryptionKey": "key-1",
                "deletionProtection": True, "vpcId": "vpc-1", "vswitchId": "vsw-1", "zoneId": "cn-shanghai-l",
            },
        ),
        (
            "alicloud:oss/bucket:Bucket",
            "twain-weights",
            {
                "versioning": {"status": "Enabled"},
                "serverSideEncryptionRule": {"sseAlgorithm": "KMS", "kmsMasterKeyId": "key-1"},
            },
        ),
    ),
    "gcp": (
        (
            "gcp:sql/databaseInstance:DatabaseInstance",
            "twain-db",
            {
                "databaseVersion": "POSTGRES_17", "encryptionKeyName": "key-1",
                "settings": {
                    "tier": "db-custom-2-8192", "diskSize": 50, "availabilityType": "REGIONAL",
                    "deletionProtectionEnabled": True,
                },
            },
        ),
        (
            "gcp:storage/bucket:Bucket",
            "twain-weights",
            {"versioning": {"enabled": True}, "encryption": {"defaultKmsKeyName": "key-1"}},
        ),
    ),
    "azure": (
        (
            "azure-native:dbforpostgresql:Server",
            f"{_GROUP}/Microsoft.DBforPostgreSQL/flexibleServers/twain-db",
            {
                "version": "17", "sku": {"name": "Standard_D2ds_v5"}, "storage": {"storageSizeGB": 64},
                "network": {"delegatedSubnetResourceId": "subnet-1", "privateDnsZoneArmResourceId": "zone-1"},
                "dataEncryption": {"primaryKeyURI": "https://v/keys/k", "primaryUserAssignedIdentityId": "user-1"},
            },
        ),
        (
            "azure-native:storage:StorageAccount",
            _ACCOUNT,
            {"encryption": {"keyVaultProperties": {"keyName": "key-1"}}},
        ),
        ("azure-native:storage:BlobServiceProperties", _SERVICE, {"isVersioningEnabled": True}),
        ("azure-native:storage:BlobContainer", _CONTAINER, {}),
    ),
}  # fmt: skip
# How fast the emulated clouds are in these tests.
SPEED = 36_000.0
EVERYWHERE = [(cloud, kind) for cloud in CLOUDS for kind in model.KINDS]


@dataclass(frozen=True)
class Direct(Tool):
    """The stand-in of a tool in this process: the same words in, the same answer out, without a process per call."""

    def text(self, *args: str) -> str:
        try:
            account = Account.open(TOOLS[self.name])
            try:
                return json.dumps(importlib.import_module(f"rehearsal.cloudcli.{self.name}").answer(args, account))
            finally:
                account.store.close()
        except RefusedError as refused:
            raise self.refusal(args, code=1, said=str(refused)) from refused


@pytest.fixture(autouse=True)
def in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelves, "tool_of", lambda cloud, env: Direct(NEEDS[cloud].tool, env, NEEDS[cloud].sign_in))
    monkeypatch.setattr(backups, "speed", lambda: SPEED)


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bin")
    install.install(folder)
    return folder


@dataclass
class Scene:
    """An emulated account with the stores of one cell, an hour old, and two objects in the bucket."""

    cloud: str
    world: Path
    tools: Path
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        with self.store() as store:
            for type_, id_, inputs in STORES[self.cloud]:
                name = id_.rsplit("/", 1)[-1]
                store.put_resource(
                    Resource(
                        id=id_, cloud=self.cloud, type=type_, name=name, key=id_.lower(), cell="one",
                        region=REGIONS[self.cloud], inputs=inputs, created=time.time() - 3600,
                    )
                )  # fmt: skip
            objects.put(store, self.place, "model/weights-1", "first")
            objects.put(store, self.place, "model/weights-1", "first, written again")
            objects.put(store, self.place, "model/weights-2", "second")

    @property
    def place(self) -> str:
        """Where the objects lie."""
        return STORES[self.cloud][-1][1]

    def store(self) -> Any:
        return closing(Store.open(self.world))

    def declare(self, **account: Any) -> None:
        with self.store() as store:
            store.set_meta(f"account.{self.cloud}", json.dumps(account))

    def live(self) -> dict[str, dict[str, Any]]:
        """Everything that lives, with its inputs."""
        with self.store() as store:
            return {one.id: dict(one.inputs) for one in store.list_resources()}

    def bench(self, kind: Kind) -> run.Bench:
        env = {
            "PATH": f"{self.tools}:/usr/bin:/bin",
            "TWAIN_REHEARSAL_WORLD": str(self.world),
            "TWAIN_REHEARSAL_HOME": str(self.world),
            "TWAIN_REHEARSAL_SPEED": str(SPEED),
        }
        resources = [{"type": type_, "id": id_, "inputs": inputs} for type_, id_, inputs in STORES[self.cloud]]
        region = REGIONS[self.cloud]
        shelf = shelf_of(self.cloud, kind, region=region, account="", env=env, resources=resources)
        return run.Bench(
            world="row", cell="one", kind=kind, region=region, prefix=prefix("test", "one", kind), shelf=shelf,
            clock=Clock(), sleep=lambda seconds: time.sleep(min(seconds, 0.01)), note=self.notes.append,
        )  # fmt: skip

    def test(self, kind: Kind) -> model.Outcome:
        plan = run.look(self.bench(kind))
        run.clear(plan)
        return run.carry_out(plan, timeout_s=60)


@pytest.fixture
def scene(request: pytest.FixtureRequest, tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    monkeypatch.setenv("TWAIN_REHEARSAL_WORLD", str(tmp_path))
    return Scene(request.param, tmp_path, tools)


def codes(outcome: model.Outcome) -> list[tuple[str, int]]:
    return [(error.id, error.code) for error in outcome.errors]


def test_every_cloud_has_its_shelves_and_a_stand_in() -> None:
    assert set(SHELVES) == set(TOOLS.values())


@pytest.mark.parametrize(("scene", "kind"), EVERYWHERE, indirect=["scene"])
def test_a_store_comes_back_is_compared_and_its_scratch_is_gone(scene: Scene, kind: Kind) -> None:
    before = scene.live()
    outcome = scene.test(kind)
    assert outcome.errors == []
    assert (outcome.state, outcome.scratch_state) == ("restored", "removed")
    assert outcome.rto.state == outcome.rpo.state == "measured"
    assert outcome.rto.seconds is not None
    assert outcome.rto.seconds > 0
    assert scene.live() == before
    rows = {row.what: row for row in outcome.compared}
    assert {row.state for what, row in rows.items() if what != "contents"} == {"equal"}
    assert {"region", "key"} < set(rows)
    if kind == "database":
        assert rows["contents"].state == "unknown"
        assert outcome.rpo.seconds is not None
        assert outcome.rpo.seconds <= 301
    else:
        assert rows["objects"].expected == rows["objects"].found == "2"
        assert outcome.rpo.seconds == 0


@pytest.mark.parametrize("scene", CLOUDS, indirect=True)
def test_the_same_through_executables_of_the_tools_names(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelves, "tool_of", probe.tool_of)
    outcome = scene.test("bucket")
    assert (outcome.state, outcome.scratch_state, outcome.errors) == ("restored", "removed", [])


@pytest.mark.parametrize(("scene", "kind"), EVERYWHERE, indirect=["scene"])
def test_looking_changes_nothing_and_measures_nothing(scene: Scene, kind: Kind) -> None:
    before = scene.live()
    plan = run.look(scene.bench(kind))
    assert plan.possible
    assert (plan.outcome.rpo.state, plan.outcome.rto.state) == ("declared", "unknown")
    assert any("then remove it" in line for line in plan.told())
    assert scene.live() == before


@pytest.mark.parametrize(("scene", "kind"), EVERYWHERE, indirect=["scene"])
def test_a_restore_that_differs_is_no_restore(scene: Scene, kind: Kind) -> None:
    scene.declare(restore_differs=True)
    outcome = scene.test(kind)
    assert (outcome.state, outcome.scratch_state) == ("different", "removed")
    assert codes(outcome) == [("RST-DIFF", errors.FAILED)]
    assert outcome.rpo.state == "unknown"
    assert [row.state for row in outcome.compared].count("different") >= 1


@pytest.mark.parametrize(("scene", "kind"), EVERYWHERE, indirect=["scene"])
def test_a_restore_that_fails_half_way_leaves_nothing_and_no_figure(scene: Scene, kind: Kind) -> None:
    before = scene.live()
    scene.declare(restore_fails=True)
    outcome = scene.test(kind)
    assert (outcome.state, outcome.scratch_state) == ("failed", "removed")
    assert codes(outcome) == [("RST-FAILED", errors.FAILED)]
    assert outcome.rpo.state == outcome.rto.state == "unknown"
    assert scene.live() == before


@pytest.mark.parametrize("scene", ["azure"], indirect=True)
def test_objects_without_a_checksum_are_not_taken_for_equal(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(databases, "md5", lambda _text: None)
    outcome = scene.test("bucket")
    assert (outcome.rpo.state, outcome.rto.state, outcome.scratch_state) == ("declared", "measured", "removed")
    assert codes(outcome) == [("RST-UNSURE", errors.PARTIAL)]


@pytest.mark.parametrize("scene", CLOUDS, indirect=True)
def test_a_database_without_backups_is_told_before_anything_is_made(scene: Scene) -> None:
    scene.declare(no_backups=True)
    outcome = scene.test("database")
    assert (outcome.state, outcome.scratch_state) == ("no-backup", "none")
    assert codes(outcome) == [("RST-NONE", errors.FAILED)]
    assert outcome.rpo.state == "unknown"


@pytest.mark.parametrize("scene", CLOUDS, indirect=True)
def test_an_empty_bucket_proves_nothing(scene: Scene) -> None:
    with scene.store() as store:
        objects.empty(store, scene.place)
    outcome = scene.test("bucket")
    assert outcome.state == "empty"
    assert codes(outcome) == [("RST-EMPTY", errors.PARTIAL)]


@pytest.mark.parametrize("scene", CLOUDS, indirect=True)
def test_a_bucket_that_keeps_no_versions_has_no_past(scene: Scene) -> None:
    switches = {"versioning": {}, "isVersioningEnabled": False}
    with scene.store() as store:
        for one in store.list_resources():
            inputs = {key: switches.get(key, value) for key, value in one.inputs.items()}
            store.update_resource(one.type, one.id, inputs=inputs, outputs=one.outputs)
    outcome = scene.test("bucket")
    assert outcome.state == "no-backup"
    assert codes(outcome) == [("RST-NONE", errors.FAILED)]


@pytest.mark.parametrize(("scene", "kind"), EVERYWHERE, indirect=["scene"])
def test_what_a_killed_run_left_is_found_and_removed_first(scene: Scene, kind: Kind) -> None:
    before = scene.live()
    plan = run.look(scene.bench(kind))
    assert plan.outcome.point is not None
    left = f"{plan.bench.prefix}260101000000"
    plan.bench.shelf.begin(left, plan.outcome.point)
    assert len(scene.live()) == len(before) + 1
    outcome = scene.test(kind)
    assert outcome.removed_before == [left]
    assert outcome.state == "restored"
    assert scene.live() == before


@pytest.mark.parametrize(("scene", "kind"), EVERYWHERE, indirect=["scene"])
def test_an_interrupt_removes_what_was_being_made(scene: Scene, kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    before = scene.live()
    plan = run.look(scene.bench(kind))

    def interrupted(_self: object, _id: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(type(plan.bench.shelf), "restored", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run.carry_out(plan, timeout_s=60)
    assert scene.live() == before


@pytest.mark.parametrize(
    ("scene", "kind"), [("alicloud", "database"), ("gcp", "database"), ("azure", "database"), ("gcp", "bucket")],
    indirect=["scene"],
)  # fmt: skip
def test_a_scratch_outside_of_the_region_is_refused_unread_and_removed(scene: Scene, kind: Kind) -> None:
    before = scene.live()
    scene.declare(restore_elsewhere=ELSEWHERE[scene.cloud])
    outcome = scene.test(kind)
    assert (outcome.state, outcome.scratch_state) == ("refused", "removed")
    assert codes(outcome) == [("RST-REGION", errors.POLICY)]
    assert outcome.compared == []
    assert scene.live() == before


@pytest.mark.parametrize("scene", CLOUDS, indirect=True)
def test_an_original_outside_of_the_region_is_refused_before_anything_is_made(scene: Scene) -> None:
    bench = scene.bench("database")
    plan = run.look(replace(bench, region=ELSEWHERE[scene.cloud]))
    assert (plan.outcome.state, codes(plan.outcome)) == ("refused", [("RST-REGION", errors.POLICY)])
    assert not plan.possible


@pytest.mark.parametrize(("scene", "kind"), EVERYWHERE, indirect=["scene"])
def test_a_scratch_that_cannot_be_removed_is_told_with_what_to_type(
    scene: Scene, kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "_REMOVAL_S", 0.0)
    scene.declare(undeletable=True)
    outcome = scene.test(kind)
    assert (outcome.state, outcome.scratch_state) == ("restored", "left")
    assert codes(outcome) == [("RST-LEFT", errors.FAILED)]
    assert "or " in (outcome.errors[0].fix or "")
    scene.declare()
    assert scene.test(kind).removed_before == [outcome.scratch]


@pytest.mark.parametrize("scene", CLOUDS, indirect=True)
def test_without_a_sign_in_everything_is_unknown(scene: Scene) -> None:
    scene.declare(signed_out=True)
    outcome = run.look(scene.bench("bucket")).outcome
    assert (outcome.state, outcome.rpo.state) == ("unknown", "unknown")
    assert [error.code for error in outcome.errors] == [errors.AUTH]


def test_a_value_that_is_not_told_is_never_equal() -> None:
    original = model.Facts(region="r", settings={"key": None, "size": "a"}, objects={"x": None, "y": "1"})
    restored = model.Facts(region="r", settings={"key": None, "size": "a"}, objects={"x": None, "y": "1"})
    assert [(row.what, row.state) for row in model.compare(original, restored)] == [
        ("key", "unknown"), ("size", "equal"), ("objects", "unknown"), ("object x", "unknown"),
    ]  # fmt: skip


def test_missing_added_and_changed_objects_are_each_named() -> None:
    original = model.Facts(region="r", settings={}, objects={"gone": "1", "same": "2", "changed": "3"})
    restored = model.Facts(region="r", settings={}, objects={"same": "2", "changed": "4", "new": "5"})
    rows = {row.what: row.state for row in model.compare(original, restored)}
    assert rows == dict.fromkeys(("objects", "object changed", "object gone", "object new"), "different")


def test_the_names_of_scratches_fit_every_cloud_and_tell_cells_and_stores_apart() -> None:
    names = {prefix(f"fleet{'x' * 20}", cell, kind) for cell in ("a" * 30, "a" * 29 + "b") for kind in model.KINDS}
    assert len(names) == 4
    assert all(len(name) + 12 <= 63 for name in names)
