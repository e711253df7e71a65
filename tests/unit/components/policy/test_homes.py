"""Where a world may keep its state and its images, written down by hand: each refusal beside a twin that passes."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.errors import ResidencyError
from components.policy import homes, spec_rules
from components.spec.load import load_fleet

FLEET = Path(__file__).resolve().parents[4] / "stacks" / "fleets" / "rehearsal.yaml"
ALLOWED = {"cn": ("cn-shanghai", "cn-beijing", "cn-hangzhou"), "row": ("europe-west4", "francecentral", "eu-central-1")}
OSS = "https://oss-cn-shanghai.aliyuncs.com"

INSIDE = [
    ("cn", f"s3://b?region=cn-shanghai&endpoint={OSS}", None),
    ("cn", "s3://b/folder?endpoint=oss-cn-beijing-internal.aliyuncs.com&region=oss-cn-beijing", None),
    ("cn", "s3://b?endpoint=https://s3.oss-cn-shanghai.aliyuncs.com", "cn-shanghai"),
    ("cn", "s3://${BUCKET}?endpoint=https://oss-cn-hangzhou.aliyuncs.com&s3ForcePathStyle=false", None),
    ("cn", "s3://b?endpoint=http://10.64.0.9:9000", "cn-shanghai"),
    # The region is only signed with; what is asked is the endpoint.
    ("row", "s3://b?region=cn-shanghai&endpoint=https://oss-eu-central-1.aliyuncs.com", None),
    ("row", "gs://b", "europe-west4"),
    ("row", "gs://b/folder", "europe-west4"),
    ("row", "azblob://c?storage_account=acme", "francecentral"),
    ("row", "azblob://c", "francecentral"),
    ("row", "postgres://who:word@acme.postgres.database.azure.com/state", "francecentral"),
    ("cn", "file://${TWAIN_REHEARSAL_HOME}/cn/state", "emulated"),
    ("row", "file:///srv/row/state", "emulated"),
]
OUTSIDE = [
    ("cn", "s3://b?region=eu-central-1&endpoint=https://oss-eu-central-1.aliyuncs.com", None, "lies in world row"),
    ("cn", "s3://b?region=cn-shanghai&endpoint=https://oss-eu-central-1.aliyuncs.com", None, "lies in world row"),
    ("cn", "s3://b?endpoint=https://oss-cn-hongkong.aliyuncs.com", None, "lies in world row"),
    ("cn", "s3://b?endpoint=https://oss-cn-shenzhen.aliyuncs.com", None, "not in the allow-list"),
    ("cn", "s3://b?endpoint=https://oss-cn-nowhere.aliyuncs.com", None, "do not know cn-nowhere"),
    ("cn", "s3://b?endpoint=https://oss-cn-shanghai.aliyuncs.com.example.com", "cn-shanghai", "nobody can be asked"),
    ("cn", "s3://b?endpoint=https://oss-cn-shanghai.example.com", "cn-shanghai", "nobody can be asked"),
    ("cn", "s3://b?endpoint=https://oss-accelerate.aliyuncs.com", "cn-shanghai", "everywhere"),
    ("cn", f"s3://b?endpoint={OSS}&accelerate=true", None, "everywhere"),
    ("cn", f"s3://b?endpoint={OSS}&endpoint=https://oss-eu-central-1.aliyuncs.com", None, "more than one endpoint"),
    ("cn", f"s3://b?endpoint={OSS}", "cn-beijing", "its address says cn-shanghai"),
    ("cn", "s3://b?region=cn-shanghai", None, "bucket of Amazon"),
    ("cn", "s3://b?region=cn-north-1&endpoint=https://s3.cn-north-1.amazonaws.com.cn", "cn-beijing", "Amazon"),
    ("cn", f"s3://b?endpoint={OSS}&${{MORE}}", None, "stands in a variable"),
    ("cn", "s3://b?endpoint=${ENDPOINT}", None, "stands in a variable"),
    ("cn", "${BACKEND}", None, "stands in a variable"),
    ("cn", "oss://b?region=cn-shanghai", None, "does not know oss"),
    ("cn", "gs://b", "cn-shanghai", "no region in mainland China"),
    ("cn", "gs://b", None, "no region in mainland China"),
    ("cn", "azblob://c?storage_account=a", "cn-shanghai", "ends at that border"),
    ("cn", "azblob://c?storage_account=a&domain=blob.core.chinacloudapi.cn", "cn-shanghai", "another operator"),
    ("cn", "azblob://c?storage_account=a&domain=cdn.example.com", "cn-shanghai", "no domain of Azure"),
    ("cn", "https://api.pulumi.com", None, "hosted service"),
    ("row", "https://api.pulumi.com", "europe-west4", "hosted service"),
    ("cn", "file:///srv/state", None, "wherever the machine stands"),
    ("cn", "file:///srv/state", "cn-shanghai", "wherever the machine stands"),
    ("cn", "file://${TWAIN_REHEARSAL_HOME}/cn/state", None, "wherever the machine stands"),
    ("cn", f"s3://b?endpoint={OSS}", "emulated", "its address says cn-shanghai"),
    ("row", "gs://b", "emulated", "do not know emulated"),
    ("cn", "postgres://db.example.com/state", "cn-shanghai", "nobody can be asked"),
    ("row", "gs://b", None, "names no region"),
    ("row", "gs://b", "eu", "do not know eu as one"),
    ("row", "gs://b", "europe-west1", "not in the allow-list"),
    ("row", "gs://b", "cn-shanghai", "do not know cn-shanghai"),
    ("row", "azblob://c?storage_account=a", None, "names no region"),
    ("row", f"s3://b?endpoint={OSS}", None, "lies in world cn"),
    ("row", "s3://[", None, "cannot be read"),
    ("row", "memory", None, "stands in a variable, or nowhere"),
    ("row", "mem://b", "europe-west4", "keeps no state in mem"),
]
IMAGES_INSIDE = [
    ("cn", "twain-cn-registry-vpc.cn-shanghai.cr.aliyuncs.com/twain", None),
    ("cn", "registry-vpc.cn-beijing.aliyuncs.com/acme", None),
    ("cn", "10.64.0.5:5000/twain", "cn-shanghai"),
    ("row", "europe-west4-docker.pkg.dev/p/twain", None),
    ("row", "acme.azurecr.io/twain", "francecentral"),
    ("row", "acme.francecentral.data.azurecr.io/twain", None),
    ("row", "acme-registry.eu-central-1.cr.aliyuncs.com/twain", None),
    ("row", "harbor.example.com/twain", "europe-west4"),
]
IMAGES_OUTSIDE = [
    ("cn", "europe-west4-docker.pkg.dev/p/twain", None, "lies in world row"),
    ("cn", "europe-west4-docker.pkg.dev/p/twain", "cn-shanghai", "its address says europe-west4"),
    ("cn", "acme.azurecr.io/twain", "cn-shanghai", "ends at that border"),
    ("cn", "acme.azurecr.cn/twain", "cn-shanghai", "another operator"),
    ("cn", "acme-registry.cn-hongkong.cr.aliyuncs.com/twain", None, "lies in world row"),
    ("cn", "docker.io/acme", "cn-shanghai", "world row only"),
    ("cn", "acme/twain", "cn-shanghai", "world row only"),
    ("cn", "harbor.example.cn/twain", "cn-shanghai", "nobody can be asked"),
    ("cn", "1.dkr.ecr.cn-north-1.amazonaws.com.cn/twain", "cn-beijing", "Amazon"),
    ("row", "acme-registry.cn-shanghai.cr.aliyuncs.com/twain", None, "lies in world cn"),
    ("row", "europe-docker.pkg.dev/p/twain", None, "do not know europe as one"),
    ("row", "us-central1-docker.pkg.dev/p/twain", None, "not in the allow-list"),
    ("row", "eu.gcr.io/p", "europe-west4", "multi-region"),
    ("row", "acme.azurecr.io/twain", None, "names no region"),
    ("row", "harbor.example.com/twain", None, "names no region"),
    ("row", "${REGISTRY}/twain", "europe-west4", "stands in a variable"),
]


def why(home: homes.Home, location: str | None, world: str) -> tuple[str, str] | None:
    return homes.why_not(home, location, world=world, allowed=ALLOWED[world])


@pytest.mark.parametrize(("world", "backend", "location"), INSIDE)
def test_state_inside_the_world_is_let_pass(world: str, backend: str, location: str | None) -> None:
    assert why(homes.of_state(backend), location, world) is None


@pytest.mark.parametrize(("world", "backend", "location", "words"), OUTSIDE)
def test_state_that_lies_elsewhere_or_nobody_knows_where_is_refused(
    world: str, backend: str, location: str | None, words: str
) -> None:
    found = why(homes.of_state(backend), location, world)
    assert found is not None
    assert words in found[0]
    assert found[1]


@pytest.mark.parametrize(("world", "registry", "location"), IMAGES_INSIDE)
def test_images_inside_the_world_are_let_pass(world: str, registry: str, location: str | None) -> None:
    assert why(homes.of_registry(registry), location, world) is None


@pytest.mark.parametrize(("world", "registry", "location", "words"), IMAGES_OUTSIDE)
def test_images_that_lie_elsewhere_or_nobody_knows_where_are_refused(
    world: str, registry: str, location: str | None, words: str
) -> None:
    found = why(homes.of_registry(registry), location, world)
    assert found is not None
    assert words in found[0]


def changed(tmp_path: Path, *changes: tuple[str, str]) -> Path:
    text = FLEET.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = tmp_path / "fleet.yaml"
    path.write_text(text, encoding="utf-8")
    return path


REST = "        secrets_provider: passphrase\n        location: emulated"
CN_STATE = f"        backend: file://${{TWAIN_REHEARSAL_HOME}}/cn/state\n{REST}"
KEY = "gcpkms://projects/p/locations/europe-west4/keyRings/r/cryptoKeys/k"
CN_IMAGES = "registry: twain-cn-registry-vpc.cn-shanghai.cr.aliyuncs.com/twain"


def test_all_that_is_kept_elsewhere_is_told_at_once_with_its_line(tmp_path: Path) -> None:
    path = changed(
        tmp_path,
        (CN_STATE, "        backend: gs://acme-state\n        secrets_provider: gcpkms://projects/p/locations/eu/x"),
        (CN_IMAGES, "registry: acme.azurecr.io/twain"),
    )
    with pytest.raises(ResidencyError) as raised:
        spec_rules.load_checked(path)
    told = {one.code: one for one in raised.value.problems}
    assert set(told) == {"RES-010", "RES-012", "RES-023"}
    assert told["RES-010"].where == "spec.worlds.cn.state.backend"
    assert all(one.line for one in told.values())
    assert all("Allowed: cn-shanghai, cn-beijing, cn-hangzhou." in one.message and one.fix for one in told.values())


def test_a_fleet_that_keeps_all_at_home_is_let_pass(tmp_path: Path) -> None:
    path = changed(
        tmp_path,
        (CN_STATE, f"        backend: s3://acme-state?endpoint={OSS}\n        secrets_provider: passphrase"),
        (
            f"        backend: file://${{TWAIN_REHEARSAL_HOME}}/row/state\n{REST}",
            f"        backend: gs://acme\n        location: europe-west4\n        secrets_provider: {KEY}",
        ),
        (
            "registry: europe-west4-docker.pkg.dev/twain-row/twain",
            "registry: acme.azurecr.io/twain\n      registry_location: francecentral",
        ),
    )
    assert spec_rules.problems_of(load_fleet(path), str(path)) == []


def test_a_password_in_an_address_is_not_told(tmp_path: Path) -> None:
    path = changed(
        tmp_path,
        (CN_STATE, "        secrets_provider: passphrase\n        backend: postgres://who:s3cret@db.example.com/state"),
    )
    (found,) = spec_rules.problems_of(load_fleet(path), str(path))
    assert found.code == "RES-010"
    assert "s3cret" not in f"{found.message}{found.value}{found.fix}"


@pytest.mark.parametrize(
    ("world", "provider", "refused"),
    [
        ("cn", "passphrase", False),
        ("cn", "hashivault://state", False),
        ("cn", "awskms://alias/x?region=eu-west-1", True),
        ("cn", "azurekeyvault://acme.vault.azure.net/keys/k", True),
        ("row", "gcpkms://projects/p/locations/us-central1/keyRings/r/cryptoKeys/k", True),
        ("row", KEY, False),
        ("row", "azurekeyvault://acme.vault.azure.net/keys/k", False),
        ("row", "homemade://k", True),
    ],
)
def test_the_key_of_the_states_secrets_lies_inside_too(
    tmp_path: Path, world: str, provider: str, refused: bool
) -> None:
    path = changed(
        tmp_path,
        (
            f"{world}/state\n        secrets_provider: passphrase",
            f"{world}/state\n        secrets_provider: {provider}",
        ),
    )
    codes = [one.code for one in spec_rules.problems_of(load_fleet(path), str(path))]
    assert codes == (["RES-012"] if refused else [])
