from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from rehearsal.kube import bootstrap, cellfile, install, kwok, processes
from rehearsal.kube.cellfile import Addresses, CellError


@pytest.fixture
def world(tmp_path: Path) -> Path:
    (tmp_path / "rehearsal.json").write_text(json.dumps({"name": "t", "block": 77, "speed": 30}))
    return tmp_path / "cn"


def reserve(world: Path, cell: str, cloud: str = "alicloud") -> cellfile.Cell:
    return cellfile.reserve(world, cell=cell, cloud=cloud, region="cn-shanghai", minor="1.36")


def test_address_ranges_of_all_cells_and_nodes_are_disjoint_and_found_again() -> None:
    seen: set[str] = set()
    for index in range(1, 8):
        plan = Addresses(77, index)
        for node in range(1, 32):
            cidr = plan.pod_cidr(node)
            assert cidr not in seen
            seen.add(cidr)
            assert plan.node_number(cidr) == node
            assert plan.node(node) == cidr.replace(".0/24", ".1")
        assert f"{plan.gateway(0).rsplit('.', 1)[0]}.0/24" not in seen
        assert int(plan.gateway(0).split(".")[2]) <= 255
    assert Addresses(77, 1).node_number("127.78.33.0/24") is None
    assert Addresses(77, 1).node_number("127.77.65.0/24") is None


def test_a_cell_has_no_node_beyond_its_range() -> None:
    with pytest.raises(CellError, match="no node 32"):
        Addresses(77, 1).pod_cidr(32)


def test_indices_are_unique_over_the_worlds_and_kept(world: Path) -> None:
    first = reserve(world, "cn-sha-1")
    second = reserve(world.parent / "row", "eu-ams-1", "gcp")
    assert (first.index, second.index) == (1, 2)
    assert reserve(world, "cn-sha-1") == first
    assert first.world == "cn"


def test_a_world_that_cannot_see_the_other_takes_none_of_its_indices(world: Path) -> None:
    """As in a shell that is sealed off from the other world's folder."""
    reserve(world, "cn-sha-1")
    world.rename(world.parent / "hidden")
    assert reserve(world.parent / "row", "eu-ams-1", "gcp").index == 2
    (world.parent / "hidden").rename(world)
    assert reserve(world, "cn-bj-1").index == 3


def test_an_index_whose_cell_is_gone_is_free_again(world: Path) -> None:
    reserve(world, "cn-sha-1")
    cellfile.folders(world, "cn-sha-1").facts.unlink()
    assert reserve(world, "cn-bj-1").index == 1


def test_an_eighth_cell_is_refused(world: Path) -> None:
    for number in range(7):
        reserve(world, f"c{number}")
    with pytest.raises(CellError, match="7 cells already"):
        reserve(world, "c7")


def test_a_cell_of_another_cloud_is_refused(world: Path) -> None:
    reserve(world, "cn-sha-1")
    with pytest.raises(CellError, match="exists on alicloud"):
        reserve(world, "cn-sha-1", "gcp")


@pytest.mark.parametrize("name", ["", "../row", ".hidden", "a/b"])
def test_a_name_that_leaves_the_world_is_no_cell(world: Path, name: str) -> None:
    with pytest.raises(CellError, match="no cell name"):
        cellfile.folders(world, name)


def test_a_rehearsal_without_facts_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(CellError, match="twain rehearse up"):
        cellfile.rehearsal_facts(tmp_path / "cn")


def test_kwokctl_is_told_to_stay_on_loopback_with_our_ports(world: Path) -> None:
    ports = kwok.choose_ports()
    numbers = {ports.etcd, ports.etcd_peer, ports.apiserver, ports.controller_manager, ports.scheduler}
    assert len(numbers) == 5
    assert all(20000 <= number < 32000 for number in numbers)
    options = yaml.safe_load(kwok.configuration(ports))["options"]
    assert options == {"bindAddress": "127.0.0.1", "etcdPeerPort": ports.etcd_peer}
    tools = {name: Path("/t") / name for name in (*kwok.COMPONENTS, "kwokctl")}
    line = kwok.create_arguments(cellfile.folders(world, "c1"), ports, tools)
    assert "kube-apiserver=kubelet-preferred-address-types=InternalIP" in line
    assert line[line.index("--kube-apiserver-port") + 1] == str(ports.apiserver)
    assert line[line.index("--disable") + 1] == "kwok-controller"


def test_a_process_is_told_from_another_with_its_number() -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as child:
        known = processes.lookup(child.pid)
        assert known is not None
        assert processes.alive(known)
        assert not processes.alive(processes.Process(known.pid, known.started + 1))
        processes.stop([processes.Process(known.pid, known.started + 1)], grace=0.1)
        assert child.poll() is None
        processes.stop([known], grace=5.0)
        assert child.wait(timeout=5) == -15
    assert not processes.alive(known)


def test_processes_are_found_by_the_folder_of_their_program(tmp_path: Path) -> None:
    link = tmp_path / "bin" / "sleeper"
    link.parent.mkdir()
    link.symlink_to("/bin/sleep")
    with subprocess.Popen([str(link), "60"]) as child:
        # The child exists before the kernel tells its new command line.
        deadline = time.monotonic() + 30.0
        while not (found := processes.with_program_under(tmp_path / "bin")) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert {name: [one.pid for one in ones] for name, ones in found.items()} == {"sleeper": [child.pid]}
        assert processes.with_program_under(tmp_path / "other") == {}
        processes.stop(found["sleeper"], grace=5.0)


def test_the_cloud_binds_nobody_but_the_cluster_s_maker_and_defines_no_role() -> None:
    """What a role may do, and who has it, is the platform's to say (`components/platform/access.py`)."""
    bodies = [body for _, body in bootstrap.identity_objects()]
    assert not [body for body in bodies if body["kind"] == "ClusterRole"]
    bound = {b["subjects"][0]["name"]: b["roleRef"]["name"] for b in bodies if b["kind"] == "ClusterRoleBinding"}
    assert bound == {"platform-engineer": "cluster-admin"}
    # Each is alone in its namespace, so that the namespace's group of service accounts is the identity's own.
    accounts = [path.split("/")[4] for path, b in bootstrap.identity_objects() if b["kind"] == "ServiceAccount"]
    assert len(accounts) == len(set(accounts)) == 3


def test_the_plugins_are_written_once_and_run(tmp_path: Path) -> None:
    written = install.install(tmp_path / "bin dir")
    before = [path.stat().st_mtime_ns for path in written]
    assert [path.name for path in written] == [*install.PLUGINS, *install.TOOLS]
    assert [path.stat().st_mtime_ns for path in install.install(tmp_path / "bin dir")] == before
    done = subprocess.run([written[1]], capture_output=True, text=True, env={"PATH": os.environ["PATH"]}, check=False)
    assert done.returncode == 1
    assert "not inside a rehearsal" in done.stderr
