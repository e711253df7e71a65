"""The world store: what a killed process leaves, and what two processes may do at once."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from rehearsal.providers.store import ClusterRecord, NameTakenError, Pool, Resource, Store, Taint

if TYPE_CHECKING:
    from pathlib import Path

VPC = "alicloud:vpc/network:Network"


def a_vpc(id_: str = "vpc-1", *, urn: str = "urn:a", key: str = "k") -> Resource:
    return Resource(id=id_, cloud="alicloud", type=VPC, name="vpc-a", key=key, urn=urn, cell="cn-sha-1", created=1.0)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(tmp_path / "cn")


def test_the_file_is_private(tmp_path: Path) -> None:
    Store.open(tmp_path / "cn")
    assert (tmp_path / "cn" / "cloud.sqlite").stat().st_mode & 0o777 == 0o600


def test_many_may_open_a_new_file_at_once(tmp_path: Path) -> None:
    for number in range(60):
        together = threading.Barrier(8)

        def opened(place: Path = tmp_path / str(number), together: threading.Barrier = together) -> None:
            together.wait()
            Store.open(place).close()

        with ThreadPoolExecutor(max_workers=8) as pool:
            for one in [pool.submit(opened) for _ in range(8)]:
                one.result()


def test_a_creation_is_on_record_before_it_is_done(store: Store) -> None:
    row, adopted = store.begin_create(a_vpc())
    assert not adopted
    assert [(each.id, each.state) for each in store.list_resources()] == [(row.id, "creating")]
    store.finish_create(VPC, row.id, inputs={"a": 1}, outputs={"b": 2})
    found = store.get_resource("vpc-1")
    assert found is not None
    assert (found.state, found.inputs, found.outputs) == ("live", {"a": 1}, {"b": 2})


@pytest.mark.parametrize("finished", [False, True])
def test_a_second_creation_by_the_same_declaration_adopts_the_first(store: Store, *, finished: bool) -> None:
    store.begin_create(a_vpc("vpc-1"))
    if finished:
        store.finish_create(VPC, "vpc-1", inputs={}, outputs={})
    row, adopted = store.begin_create(a_vpc("vpc-2"))
    assert adopted
    assert row.id == "vpc-1"
    assert len(store.list_resources()) == 1


def test_a_name_that_another_declaration_holds_is_refused(store: Store) -> None:
    store.begin_create(a_vpc("vpc-1", urn="urn:a"))
    with pytest.raises(NameTakenError, match="vpc-1"):
        store.begin_create(a_vpc("vpc-2", urn="urn:b"))


def test_a_deleted_name_is_free_again_and_its_life_stays_on_record(store: Store) -> None:
    store.begin_create(a_vpc("vpc-1"))
    assert store.delete_resource(VPC, "vpc-1")
    assert not store.delete_resource(VPC, "vpc-1")
    store.begin_create(a_vpc("vpc-2", urn="urn:b"))
    assert [row.id for row in store.list_resources()] == ["vpc-2"]
    assert [row.id for row in store.list_resources(live=False)] == ["vpc-1", "vpc-2"]


def test_children_are_found_by_type_and_id(store: Store) -> None:
    store.put_resource(a_vpc())
    child = Resource(id="vsw-1", cloud="alicloud", type="sw", name="s", key="s", urn="u", parents=(f"{VPC}|vpc-1",))
    store.put_resource(child)
    assert [row.id for row in store.children(f"{VPC}|vpc-1")] == ["vsw-1"]
    store.delete_resource("sw", "vsw-1")
    assert store.children(f"{VPC}|vpc-1") == []


def test_a_pool_keeps_its_birth_when_its_limits_change(store: Store) -> None:
    pool = Pool(
        name="gpu80g",
        cell="c",
        cloud="gcp",
        kind="gpu",
        gpu_class="gpu-80g",
        instance_type="a2-ultragpu-1g",
        gpus=1,
        min=0,
        max=4,
        zones=("a", "b"),
        labels={"twain/pool": "gpu80g"},
        taints=(Taint(key="nvidia.com/gpu", value="present", effect="NoSchedule"),),
        resource="np-1",
    )
    store.put_pool(pool)
    born = store.pools("c")[0].created
    store.put_pool(Pool(**{**pool.__dict__, "max": 6}))
    (found,) = store.pools("c")
    assert (found.max, found.created, found.zones, found.taints) == (6, born, ("a", "b"), pool.taints)
    store.remove_pools(resource="np-1")
    assert store.pools("c") == []


def test_a_nodes_life_is_kept_for_the_bill(store: Store) -> None:
    facts = {"cell": "c", "pool": "p", "instance_type": "t", "zone": "z", "gpus": 1}
    store.node_created(name="n1", created=10.0, **facts)
    store.node_created(name="n1", created=99.0, **facts)
    store.node_ready(cell="c", name="n1", ready=12.0)
    store.node_ready(cell="c", name="n1", ready=50.0)
    store.node_deleted(cell="c", name="n1", deleted=20.0)
    assert store.nodes("c") == []
    (node,) = store.nodes("c", live=False)
    assert (node.created, node.ready, node.deleted) == (10.0, 12.0, 20.0)


def test_the_end_of_a_cluster_ends_its_nodes_and_pools(store: Store) -> None:
    cluster = {"cloud": "gcp", "region": "r", "endpoint": "e", "ca": "c", "minor": "1.36", "created": 1.0}
    store.put_cluster(ClusterRecord(id="k", cell="c", deleted=None, **cluster))
    store.node_created(cell="c", pool="p", name="n", instance_type="t", zone="z", gpus=0)
    store.remove_cluster("k")
    store.remove_cluster("k")
    assert (store.clusters(), store.nodes("c"), store.pools("c")) == ([], [], [])
    assert len(store.clusters(live=False)) == 1


def test_a_fault_fits_by_every_named_fact_and_is_used_up(store: Store) -> None:
    store.add_fault("throttle", match={"type": VPC, "op": "create"}, times=2)
    assert store.take_fault({"type": VPC, "op": "delete"}) is None
    assert store.take_fault({"type": VPC, "op": "create", "name": "x"}) == "throttle"
    assert store.take_fault({"type": VPC, "op": "create"}, kinds=("timeout",)) is None
    assert store.take_fault({"type": VPC, "op": "create"}) == "throttle"
    assert store.take_fault({"type": VPC, "op": "create"}) is None


def _take(world: Path, results: multiprocessing.Queue[int]) -> None:
    store = Store.open(world)
    results.put(sum(store.take_fault({"op": "create"}) is not None for _ in range(20)))


def test_processes_that_race_for_a_fault_take_it_exactly_as_often_as_it_was_armed(tmp_path: Path) -> None:
    Store.open(tmp_path).add_fault("throttle", match={"op": "create"}, times=30)
    spawning = multiprocessing.get_context("spawn")
    results = spawning.Queue()
    workers = [spawning.Process(target=_take, args=(tmp_path, results)) for _ in range(3)]
    for worker in workers:
        worker.start()
    taken = [results.get(timeout=60) for _ in workers]
    for worker in workers:
        worker.join()
    assert sum(taken) == 30


def _die_inside(world: Path) -> None:
    store = Store.open(world)
    with store._transaction():
        store._insert(a_vpc("vpc-lost"), state="creating")
        os.kill(os.getpid(), signal.SIGKILL)


def test_a_process_killed_inside_a_transaction_leaves_nothing_of_it(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    worker = multiprocessing.get_context("spawn").Process(target=_die_inside, args=(tmp_path,))
    worker.start()
    worker.join()
    assert worker.exitcode == -signal.SIGKILL
    assert store.list_resources() == []
    store.begin_create(a_vpc("vpc-next"))
