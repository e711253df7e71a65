"""Keys that sign: what the emulated clouds refuse, and that what their command lines answer is a real signature which
the published key verifies, on every cloud by the same code that asks a real account.
"""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING, Any

import pytest

from cli import errors
from cli.check.probe import tool_of
from cli.check.tool import NotAskedError, SignedOutError, Tool
from cli.evidence import dsse
from cli.evidence.keys import Signer
from cli.sign import gcp as cloud_kms
from cli.sign import model
from components.clouds.needs import NEEDS
from rehearsal.kube import install
from rehearsal.providers.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ALI = "alicloud:kms/key:Key"
RING, GCP = "gcp:kms/keyRing:KeyRing", "gcp:kms/cryptoKey:CryptoKey"
GROUP, IDENTITY = "azure-native:resources:ResourceGroup", "azure-native:managedidentity:UserAssignedIdentity"
VAULT, AZURE = "azure-native:keyvault:Vault", "azure-native:keyvault:Key"
PAIR = {"keySpec": "EC_P256", "keyUsage": "SIGN/VERIFY", "dkmsInstanceId": "kst-rehearsal0001"}
EDWARDS = {"purpose": "ASYMMETRIC_SIGN", "versionTemplate": {"algorithm": "EC_SIGN_ED25519"}}
CURVE = {"kty": "EC", "curveName": "P-256", "keyOps": ["sign", "verify"]}
PACKAGES = {"alicloud": "alicloud", "gcp": "gcp", "azure": "azure-native"}
REGIONS = {"alicloud": "cn-shanghai", "gcp": "europe-west4", "azure": "francecentral"}
ALGORITHMS = {"alicloud": dsse.ECDSA, "gcp": dsse.ED25519, "azure": dsse.ECDSA}


@pytest.mark.parametrize(
    ("change", "paths"),
    [
        ({}, set[str]()),
        ({"dkmsInstanceId": None}, {"keySpec"}),
        ({"dkmsInstanceId": "mine"}, {"dkmsInstanceId"}),
        ({"keySpec": "Aliyun_AES_256"}, {"keyUsage"}),
        ({"keyUsage": "ENCRYPT/DECRYPT"}, {"keyUsage"}),
        ({"automaticRotation": "Enabled", "rotationInterval": "365d"}, {"automaticRotation"}),
        ({"keySpec": "Ed25519"}, {"keySpec", "keyUsage"}),
    ],
)
def test_alibaba_cloud_makes_pairs_of_keys_in_an_instance_only(
    caller: Callable[[str], Any], change: dict[str, Any], paths: set[str]
) -> None:
    inputs = {name: value for name, value in {**PAIR, **change}.items() if value is not None}
    assert {path for path, _ in caller("alicloud").check(ALI, inputs)} == paths


@pytest.mark.parametrize(
    ("change", "paths"),
    [
        ({}, set[str]()),
        ({"versionTemplate": {"algorithm": "GOOGLE_SYMMETRIC_ENCRYPTION"}}, {"versionTemplate.algorithm"}),
        ({"versionTemplate": {"protectionLevel": "SOFTWARE"}}, {"versionTemplate.algorithm"}),
        ({"rotationPeriod": "31536000s"}, {"rotationPeriod"}),
        ({"purpose": "ENCRYPT_DECRYPT"}, {"versionTemplate.algorithm"}),
    ],
)
def test_google_asks_a_signing_key_for_its_algorithm_and_rotates_none(
    caller: Callable[[str], Any], change: dict[str, Any], paths: set[str]
) -> None:
    cloud = caller("gcp")
    ring, _ = cloud.create(RING, {"name": "r", "location": "europe-west4"}, "ring")
    assert {path for path, _ in cloud.check(GCP, {"keyRing": ring, "name": "k", **EDWARDS, **change})} == paths


@pytest.mark.parametrize(
    ("change", "paths"),
    [
        ({}, set[str]()),
        ({"curveName": "Ed25519"}, {"properties.curveName"}),
        ({"keyOps": ["sign", "encrypt"]}, {"properties.keyOps"}),
        ({"kty": "RSA"}, {"properties.curveName"}),
    ],
)
def test_a_vault_knows_four_curves_whose_keys_only_sign(
    caller: Callable[[str], Any], change: dict[str, Any], paths: set[str]
) -> None:
    cloud = caller("azure-native")
    inside = vault(cloud)
    asked = inside | {"keyName": "k", "properties": {**CURVE, **change}}
    assert {path for path, _ in cloud.check(AZURE, asked)} == paths


def vault(cloud: Any) -> dict[str, str]:
    cloud.create(GROUP, {"resourceGroupName": "rg", "location": "francecentral"}, "rg")
    place = {"resourceGroupName": "rg", "location": "francecentral"}
    _, user = cloud.create(IDENTITY, place | {"resourceName": "user"}, "user")
    properties = {
        "tenantId": user["tenantId"],
        "sku": {"family": "A", "name": "premium"},
        "enablePurgeProtection": True,
        "enableRbacAuthorization": True,
        "enableSoftDelete": True,
    }
    cloud.create(VAULT, place | {"vaultName": "cell-kv", "properties": properties}, "vault")
    return {"resourceGroupName": "rg", "vaultName": "cell-kv"}


def made(caller: Callable[[str], Any], cloud: str) -> str:
    """A signing key of a cloud, by the name that a stack exports of it."""
    one = caller(PACKAGES[cloud])
    if cloud == "alicloud":
        return one.create(ALI, PAIR, "signing")[0]
    if cloud == "gcp":
        ring, _ = one.create(RING, {"name": "r", "location": "europe-west4"}, "ring")
        return one.create(GCP, {"keyRing": ring, "name": "signing", **EDWARDS}, "signing")[0]
    _, told = one.create(AZURE, vault(one) | {"keyName": "signing", "properties": CURVE}, "signing")
    return str(told["keyUriWithVersion"])


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bin")
    install.install(folder)
    return folder


def keys(cloud: str, key: str, tools: Path, tmp_path: Path) -> model.Keys:
    env = {"PATH": f"{tools}:/usr/bin:/bin", "TWAIN_REHEARSAL_WORLD": str(tmp_path / "cn")}
    return model.keys_of(cloud, key=key, region=REGIONS[cloud], env=env)


@pytest.mark.parametrize("cloud", PACKAGES)
def test_what_a_cells_key_signed_its_published_key_verifies_and_one_flipped_bit_does_not(
    caller: Callable[[str], Any], cloud: str, tools: Path, tmp_path: Path
) -> None:
    service = keys(cloud, made(caller, cloud), tools, tmp_path)
    (version,) = service.versions()
    public = dsse.parsed(service.public_key(version))
    assert dsse.algorithm(public) == ALGORITHMS[cloud]
    signer = Signer(key=public, held="a test", sign=lambda data: service.sign(version, data))
    statement = {"predicate": {"signature": signer.told(), "world": "cn"}}
    whole = dsse.sign(statement, signer)
    assert dsse.opened(whole, [public])[0] == statement
    for place in range(0, len(whole), 7):
        damaged = whole[:place] + bytes([whole[place] ^ (1 << place % 8)]) + whole[place + 1 :]
        with pytest.raises(dsse.BadEnvelopeError):
            dsse.opened(damaged, [public])
    # A second look finds the same key: it is kept by the cloud, not made for each question.
    assert service.public_key(version) == dsse.published(public)


@pytest.mark.parametrize("cloud", PACKAGES)
def test_the_private_key_is_told_to_nobody(
    caller: Callable[[str], Any], cloud: str, tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    service = keys(cloud, made(caller, cloud), tools, tmp_path)
    (version,) = service.versions()
    told = service.public_key(version) + service.sign(version, b"data")
    assert b"PRIVATE" not in told
    assert not list(tmp_path.glob("twain-sign-*"))
    store = Store.open(tmp_path / "cn")
    try:
        assert all("PRIVATE" not in str(row.outputs) for row in store.list_resources())
    finally:
        store.close()


@pytest.mark.parametrize("cloud", PACKAGES)
def test_a_key_that_is_not_there_and_a_missing_sign_in_are_told(
    caller: Callable[[str], Any], cloud: str, tools: Path, tmp_path: Path
) -> None:
    key = made(caller, cloud)
    other = key.replace("signing", "none") if cloud != "alicloud" else "key-none"
    with pytest.raises(NotAskedError, match="ended with 1"):
        model.told(keys(cloud, other, tools, tmp_path).versions)
    store = Store.open(tmp_path / "cn")
    store.set_meta(f"account.{cloud}", '{"signed_out": true}')
    store.close()
    with pytest.raises(SignedOutError) as raised:
        model.told(keys(cloud, key, tools, tmp_path).versions)
    assert raised.value.fix == NEEDS[cloud].sign_in


def test_a_service_that_does_not_answer_in_time_leaves_it_unknown(tmp_path: Path) -> None:
    script = tmp_path / "gcloud"
    script.write_text("#!/bin/sh\nexec sleep 60\n", encoding="ascii")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    slow = Tool("gcloud", {"PATH": f"{tmp_path}:/usr/bin:/bin"}, "", timeout_s=0.2)
    service = cloud_kms.Keys(slow, "projects/p/locations/europe-west4/keyRings/r/cryptoKeys/k", "europe-west4")
    with pytest.raises(errors.OutcomeUnknownError) as raised:
        model.signed(lambda: service.sign("1", b"data"))
    assert raised.value.code == errors.UNKNOWN
    # Reading is another matter: nothing can have been done.
    with pytest.raises(NotAskedError):
        model.told(service.versions)


def test_more_than_the_service_takes_is_refused_before_it_is_asked(tmp_path: Path) -> None:
    name = "projects/p/locations/europe-west4/keyRings/r/cryptoKeys/k"
    service = cloud_kms.Keys(tool_of("gcp", {"PATH": str(tmp_path)}), name, "europe-west4")
    with pytest.raises(errors.UsageError, match="65536 at most"):
        model.signed(lambda: service.sign("1", b"x" * 65_537))


def test_a_signature_of_another_key_is_not_taken(caller: Callable[[str], Any], tools: Path, tmp_path: Path) -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    service = keys("gcp", made(caller, "gcp"), tools, tmp_path)
    (version,) = service.versions()
    other = Ed25519PrivateKey.generate()
    signer = Signer(key=dsse.parsed(service.public_key(version)), held="the service", sign=other.sign)
    with pytest.raises(errors.ResourceError, match="refuses"):
        dsse.sign({"predicate": {}}, signer)


def test_an_envelope_that_names_another_algorithm_than_its_keys_is_refused(
    caller: Callable[[str], Any], tools: Path, tmp_path: Path
) -> None:
    service = keys("azure", made(caller, "azure"), tools, tmp_path)
    (version,) = service.versions()
    public = dsse.parsed(service.public_key(version))
    signer = Signer(key=public, held="the vault", sign=lambda data: service.sign(version, data))
    for statement in ({"predicate": {"signature": {"algorithm": dsse.ED25519}}}, {"predicate": {}}):
        with pytest.raises(dsse.BadEnvelopeError, match="says that it was signed by ed25519"):
            dsse.opened(dsse.sign(statement, signer), [public])
