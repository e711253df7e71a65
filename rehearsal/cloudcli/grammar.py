"""Every command of `gcloud` and `az` that twain and its tests type, with all the options that they give it.

Each was typed at the real tool without a sign-in (gcloud 528.0.0, azure-cli 2.91.0; 21 November 2026) and got as far as
being asked for one: words and options are the tool's own. `tests/prove/test_cloud_tools.py` asks again. A stand-in
refuses every other option, as the real tool would. Nobody asked `aliyun`, which is in no registry of ours.
"""

from __future__ import annotations

import shlex
from functools import cache
from typing import TYPE_CHECKING, Final

from rehearsal.cloudcli.account import RefusedError

if TYPE_CHECKING:
    from rehearsal.cloudcli.options import Asked

_JSON: Final = "--project=p1-test --format=json"
_KEY: Final = "--key=k --keyring=r --location=europe-west4 --project=p1-test"
_BLOBS: Final = "--account-name twainweights --auth-mode login --subscription S --output json"
_SERVER: Final = "--resource-group g --subscription S --output json"
_GROUP: Final = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/g/providers"
_VAULT: Final = "https://v.vault.azure.net/keys/k"
EXAMPLES: Final[dict[str, tuple[str, ...]]] = {
    "gcloud": (
        "auth list --filter=status:ACTIVE --format=json",
        "projects list --limit=1 --format=json",
        f"services list --enabled {_JSON}",
        "storage service-agent --project=p1-test",
        f"container get-server-config --location=europe-west4 {_JSON}",
        f"container clusters describe c --location=europe-west4 {_JSON}",
        f"compute machine-types list '--filter=(name=a OR name=b) AND zone~^europe-west4-' {_JSON}",
        f"compute regions describe europe-west4 {_JSON}",
        f"compute networks subnets list --regions=europe-west4 {_JSON}",
        f"sql instances get-latest-recovery-time i {_JSON}",
        f"sql instances list '--filter=name~^x' {_JSON}",
        f"sql instances describe i {_JSON}",
        f"sql instances clone i j --point-in-time=2026-11-21T00:00:00.000Z --async --quiet {_JSON}",
        f"sql instances patch i --no-deletion-protection --quiet {_JSON}",
        f"sql instances delete i --async --quiet {_JSON}",
        f"storage buckets list '--filter=name~^x' {_JSON}",
        f"storage buckets describe gs://x {_JSON}",
        ("storage buckets create gs://x --location=europe-west4 --uniform-bucket-level-access"
        " --public-access-prevention --soft-delete-duration=0"
        f" --default-encryption-key=projects/p/locations/l/keyRings/r/cryptoKeys/k {_JSON}"),
        f"storage objects list 'gs://x/**' {_JSON}",
        f"storage cp 'gs://x/o#1' gs://y/o {_JSON}",
        f"storage rm --recursive gs://x {_JSON}",
        f"kms keys versions list {_KEY} --filter=state=ENABLED --format=json",
        f"kms keys versions get-public-key 1 {_KEY} --output-file=OUT",
        f"kms asymmetric-sign --version=1 {_KEY} --input-file=IN --signature-file=OUT",
        f"kms asymmetric-sign --version=1 {_KEY} --digest-algorithm=sha256 --input-file=IN --signature-file=OUT",
    ),
    "az": (
        "account show --subscription S --output json",
        "provider list --subscription S --output json",
        "aks get-versions --location westeurope --subscription S --output json",
        "aks get-credentials --resource-group g --name n --format exec --file -",
        "vm list-skus --location westeurope --resource-type virtualMachines --subscription S --output json",
        "vm list-usage --location westeurope --subscription S --output json",
        "network vnet list --subscription S --output json",
        f"postgres flexible-server show --name twain-db {_SERVER}",
        f"postgres flexible-server list {_SERVER}",
        f"postgres flexible-server backup list --server-name twain-db {_SERVER}",
        ("postgres flexible-server restore --name twain-new --source-server twain-db"
        f" --restore-time 2026-11-21T00:00:00+00:00 --subnet {_GROUP}/Microsoft.Network/virtualNetworks/v/subnets/s"
        f" --private-dns-zone {_GROUP}/Microsoft.Network/privateDnsZones/z"
        f" --identity {_GROUP}/Microsoft.ManagedIdentity/userAssignedIdentities/u"
        f" --key {_VAULT}/1 --yes --no-wait {_SERVER}"),
        f"postgres flexible-server delete --name twain-db --yes {_SERVER}",
        f"storage account show --name twainweights {_SERVER}",
        f"storage account blob-service-properties show --account-name twainweights {_SERVER}",
        f"storage container list --prefix p --num-results '*' {_BLOBS}",
        f"storage container create --name twain-new --public-access off {_BLOBS}",
        f"storage container delete --name twain-new {_BLOBS}",
        f"storage blob list --container-name weights --include vc --num-results '*' {_BLOBS}",
        f"storage blob upload --container-name weights --name o --file IN --overwrite {_BLOBS}",
        ("storage blob copy start --source-uri https://twainweights.blob.core.windows.net/weights/o"
        f" --destination-container twain-new --destination-blob weights/o {_BLOBS}"),
        f"keyvault key list-versions --id {_VAULT} --output json",
        f"keyvault key download --id {_VAULT}/1 --encoding PEM --file OUT",
        f"keyvault key sign --id {_VAULT}/1 --algorithm ES256 --digest AAAA --output json",
        "acr show --name twainregistry --output json",
        "acr replication list --registry twainregistry --output json",
    ),
}  # fmt: skip


def check(tool: str, words: tuple[str, ...], asked: Asked) -> None:
    """Raises RefusedError for an option that the real tool was not seen to take at this command."""
    strange = sorted(asked.options.keys() - _options(tool)[words])
    if strange:
        message = f"ERROR: unrecognized arguments: {' '.join(f'--{name}' for name in strange)}"
        raise RefusedError(message)


@cache
def _options(tool: str) -> dict[tuple[str, ...], frozenset[str]]:
    found: dict[tuple[str, ...], frozenset[str]] = {}
    for example in EXAMPLES[tool]:
        given = shlex.split(example)
        first = next(index for index, word in enumerate([*given, "--"]) if word.startswith("--"))
        names = {word[2:].partition("=")[0] for word in given if word.startswith("--")}
        for length in range(1, first + 1):
            words = tuple(given[:length])
            found[words] = found.get(words, frozenset()) | names
    return found
