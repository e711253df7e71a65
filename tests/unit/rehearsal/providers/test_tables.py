"""The closed tables against the SDKs: no type, no property in them that the SDK does not have."""

from __future__ import annotations

import pytest

from components.clouds import gpu
from rehearsal.engine.install import PROVIDERS
from rehearsal.providers import alicloud, azure_native, facts, gcp
from rehearsal.providers.sdktypes import SdkTypes, TypeTable

CLOUDS = {"alicloud": alicloud.CLOUD, "gcp": gcp.CLOUD, "azure-native": azure_native.CLOUD}
TYPES = [(package, token) for package, cloud in CLOUDS.items() for token in cloud.types]


def has_path(table: TypeTable, path: str) -> bool:
    declared: dict[str, object] = dict(table.inputs)
    for step in path.replace("[]", "").removesuffix("#").split("."):
        entry = declared.get(step)
        if not isinstance(entry, list):
            return False
        kind = entry[0]
        while isinstance(kind, list) and kind[0] in ("list", "map"):
            kind = kind[1]
        declared = table.types[kind[1]] if isinstance(kind, list) and kind[0] == "ref" else {}
    return True


@pytest.mark.parametrize(("package", "token"), TYPES)
def test_every_path_that_a_type_names_is_an_input_of_the_sdk(package: str, token: str) -> None:
    spec, table = CLOUDS[package].types[token], SdkTypes(package).table(token)
    paths = {*spec.replacing, *(path for path, _type in spec.parents), *([spec.name] if spec.name else [])}
    assert {path for path in paths if not has_path(table, path)} == set()


@pytest.mark.parametrize(("package", "token"), TYPES)
def test_every_parent_is_a_type_of_the_same_cloud(package: str, token: str) -> None:
    cloud = CLOUDS[package]
    assert {parent for _path, parent in cloud.types[token].parents} <= set(cloud.types)


@pytest.mark.parametrize("cloud", ["alicloud", "gcp", "azure"])
def test_every_machine_that_a_fleet_can_name_is_known_to_the_emulated_cloud_as_the_same_thing(cloud: str) -> None:
    for one in gpu.MACHINES[cloud]:
        known = facts.machine(cloud, one.instance_type)
        assert known is not None, one.instance_type
        assert (known.gpus, known.gpu_model) == (one.gpus, one.gpu_model), one.instance_type
        assert known.regions & set(one.regions), one.instance_type
    for size in ("cpu-4", "cpu-8", "cpu-16"):
        known = facts.machine(cloud, gpu.cpu_machine(cloud, size))
        assert known is not None
        assert known.cpus == int(size.removeprefix("cpu-"))


def test_every_package_has_a_plugin_executable() -> None:
    assert set(CLOUDS) | {"kubernetes"} == set(PROVIDERS)


@pytest.mark.parametrize(
    ("machines", "regions"),
    [
        (facts.ALICLOUD_MACHINES, facts.ALICLOUD_ZONES),
        (facts.GCP_MACHINES, facts.GCP_ZONES),
        (facts.AZURE_MACHINES, facts.AZURE_REGIONS),
    ],
)
def test_a_machine_is_offered_in_regions_that_exist_only(
    machines: dict[str, facts.Machine], regions: dict[str, tuple[str, ...]]
) -> None:
    assert {name for name, machine in machines.items() if not machine.regions <= set(regions)} == set()
    assert {name for name, machine in machines.items() if bool(machine.gpus) != bool(machine.gpu_model)} == set()
