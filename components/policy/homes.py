"""Where a world keeps its state and its images, judged by what their addresses say.

An address that names its region is believed. One that names none is somewhere all the same: then the fleet says where
(`location`), and `twain check` asks the cloud. What can lie in another world only is refused whatever is declared.

What the forms of addresses mean:
- s3, gs, azblob, postgres, file, https, and no other: pulumi.com/docs/iac/concepts/state-and-backends; without an
  `endpoint` s3 is Amazon's (gocloud.dev/aws, V2ConfigFromURLParams), and with one the region is only signed with.
- OSS: alibabacloud.com/help/en/oss/user-guide/regions-and-endpoints; `oss-accelerate` is everywhere.
- Alibaba Cloud's registries: alibabacloud.com/help/en/acr/user-guide/configure-access-over-vpcs.
- `REGION-docker.pkg.dev`: cloud.google.com/artifact-registry/docs/repositories/repo-locations; `gcr.io` and its like
  are multi-regions: cloud.google.com/artifact-registry/docs/transition/gcr-repositories.
- Google has no region in mainland China: cloud.google.com/about/locations.
- `azurecr.io`, `blob.core.windows.net` are of Azure worldwide, `azurecr.cn`, `blob.core.chinacloudapi.cn` of another
  operator in China: learn.microsoft.com/azure/china/resources-developer-guide.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs, urlsplit

from components.clouds.regions import WORLD_OF
from components.errors import Problem
from components.policy import hosts
from components.policy.places import region_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from components.spec.model import World

EVERYWHERE: Final = frozenset({"cn", "row"})
# What a fleet says in the place of a region of a world that is played on one machine: no data of anybody lies in it,
# and its state is a folder. A folder lies wherever the machine stands that is used today: no other world keeps it so.
EMULATED: Final = "emulated"
BUCKET_OF_OSS: Final = "s3://BUCKET?region={region}&endpoint=https://oss-{region}.aliyuncs.com"

_ALI = re.compile(
    r"(?:^|\.)(?:s3\.)?(?:oss-|s3-oss-|vpc-|intranet-)?(?P<region>[a-z]{2}-[a-z]+(?:-[a-z0-9]+)*?)"
    r"(?:-(?:internal|intranet|vpc|share))?(?:\.(?:cr|rds|pg\.rds))?\.aliyuncs\.com$"
)
_GOOGLE = re.compile(r"^(?P<region>[a-z0-9-]+)-docker\.pkg\.dev$")
_AZURE_DATA = re.compile(r"^[a-z0-9-]+\.(?P<region>[a-z0-9]+)\.data\.azurecr\.io$")
_MULTI = re.compile(r"^(?:[a-z]+\.)?gcr\.io$")
_AMAZON = re.compile(r"(?:^|\.)amazonaws\.com(?:\.cn)?$")
_AZURE_CHINA = re.compile(r"(?:\.azurecr\.cn|\.chinacloudapi\.cn)$")
_AZURE = re.compile(r"(?:\.azurecr\.io|\.core\.windows\.net|\.azure\.com)$")
_GCP_KEY = re.compile(r"^projects/[^/]+/locations/(?P<region>[^/]+)/")
# Secrets providers of the engine that ask nobody, or a vault of one's own.
_OWN_KEYS = frozenset({"passphrase", "hashivault"})
_KEYS_ABROAD = {"gcpkms": "gcp", "azurekeyvault": "azure", "awskms": ""}


@dataclass(frozen=True, kw_only=True)
class Home:
    """What an address says: the `region` of a `cloud`, if any; the worlds that it can lie in; `known` says whether the
    tables know whose it is. `refused` is set where no declaration helps. `ask` is what `twain check` can ask about it:
    the kind of thing, and its name.
    """

    cloud: str = ""
    region: str = ""
    worlds: frozenset[str] = EVERYWHERE
    known: bool = True
    refused: str = ""
    fix: str = ""
    local: bool = False
    ask: tuple[str, str] = ("", "")


def of_state(backend: str) -> Home:
    """What the address of a state backend says."""
    scheme, mark, rest = backend.partition("://")
    if "$" in scheme or not mark or "$" in rest.partition("?")[2]:
        return Home(refused="what says where it lies stands in a variable, or nowhere, and cannot be judged.")
    try:
        return _STATES.get(scheme.lower(), _other)(backend, rest)
    except ValueError:
        return Home(refused="it cannot be read as an address.")


def _file(_url: str, _rest: str) -> Home:
    return Home(local=True)


def _hosted(_url: str, rest: str) -> Home:
    return Home(refused=f"{hosts.host_of(rest)} is a hosted service, which lies outside every world.")


def _other(url: str, _rest: str) -> Home:
    scheme = url.partition("://")[0]
    return Home(refused=f"the engine keeps no state in {scheme}: it knows s3, gs, azblob, postgres and file.")


def _oss(url: str, _rest: str) -> Home:
    region = (_options(url).get("region") or ["REGION"])[0].removeprefix("oss-")
    reason = "the engine does not know oss as a kind of place; it reaches OSS by the way of s3."
    return Home(refused=reason, fix=f"backend: {BUCKET_OF_OSS.format(region=region)}")


def _s3(url: str, _rest: str) -> Home:
    options = _options(url)
    endpoints = options.get("endpoint") or []
    if not endpoints:
        reason = "without an endpoint s3 is a bucket of Amazon, whose regions the tables do not know."
        return Home(refused=reason, fix=f"backend: {BUCKET_OF_OSS.format(region='REGION')}")
    if len(endpoints) > 1:
        return Home(refused="it names more than one endpoint.")
    if (options.get("accelerate") or ["false"])[0].lower() not in {"false", "f", "0"}:
        return Home(refused="transfer acceleration goes through access points that are everywhere.")
    return of_host(hosts.host_of(endpoints[0]))


def _gs(_url: str, rest: str) -> Home:
    return Home(cloud="gcp", worlds=frozenset({"row"}), ask=("gs", hosts.host_of(rest)))


def _azblob(url: str, _rest: str) -> Home:
    options = _options(url)
    account = (options.get("storage_account") or [""])[0]
    domain = (options.get("domain") or ["blob.core.windows.net"])[0].lower()
    found = of_host(f"{account or 'account'}.{domain}", ask=("azblob", account))
    # A domain of one's own, or of a content network, may lead anywhere.
    if found.refused or found.cloud == "azure":
        return found
    return Home(refused=f"{domain} is no domain of Azure's blobs.")


def _postgres(url: str, _rest: str) -> Home:
    return of_host((urlsplit(url).hostname or "").lower())


_STATES = {
    "file": _file, "http": _hosted, "https": _hosted, "oss": _oss, "s3": _s3, "gs": _gs, "azblob": _azblob,
    "postgres": _postgres, "postgresql": _postgres,
}  # fmt: skip


def _options(url: str) -> dict[str, list[str]]:
    return parse_qs(urlsplit(url).query, keep_blank_values=True)


def of_registry(reference: str) -> Home:
    """What the address of a registry says."""
    host = reference.partition("/")[0]
    if "$" not in host:
        host = hosts.image_host(f"{reference}/")
    return of_host(host, ask=("acr", host.removesuffix(".azurecr.io")) if host.endswith(".azurecr.io") else ("", ""))


def of_host(host: str, *, ask: tuple[str, str] = ("", "")) -> Home:
    """What the name of a host says."""
    if "$" in host or not host:
        return Home(refused="its host stands in a variable, or nowhere, and cannot be judged.")
    if hosts.is_accelerated(host):
        return Home(refused="transfer acceleration goes through access points that are everywhere.")
    for cloud, pattern in (("alicloud", _ALI), ("gcp", _GOOGLE), ("azure", _AZURE_DATA)):
        match = pattern.search(host)
        if match is not None:
            return Home(cloud=cloud, region=match["region"], ask=ask)
    if _MULTI.match(host):
        return Home(refused=f"{host} is a multi-region, which is several.", fix="use REGION-docker.pkg.dev")
    if _AMAZON.search(host):
        return Home(refused=f"{host} is Amazon's, whose regions the tables do not know.")
    if _AZURE_CHINA.search(host):
        return Home(refused=f"{host} is of Azure in China, another operator's cloud, whose regions the tables lack.")
    if _AZURE.search(host):
        return Home(cloud="azure", worlds=frozenset({"row"}), ask=ask)
    lies = hosts.world_of(host)
    known = lies is not None or hosts.is_private(host)
    return Home(worlds=frozenset({lies}) if lies is not None else EVERYWHERE, known=known)


def why_not(home: Home, location: str | None, *, world: str, allowed: tuple[str, ...]) -> tuple[str, str] | None:
    """Why a world may not keep anything there, and what the fix is; None where it may. `location` is what the fleet
    declares of it.
    """
    instead = f"keep it in one of {', '.join(allowed)}"
    if home.local and location != EMULATED:
        reason = "a folder lies wherever the machine stands that is used today; only an emulated world keeps it so."
        return reason, instead
    if home.local:
        return None
    if home.refused:
        return home.refused, home.fix or instead
    if world not in home.worlds:
        lies = " or ".join(sorted(home.worlds))
        return f"{_whose(home)} it can lie in world {lies} only.", instead
    if home.region and location and region_of(home.cloud, location) != region_of(home.cloud, home.region):
        return f"its address says {home.region}, and its location {location}.", "remove location, or correct it"
    place = home.region or location
    if not place:
        return "its address names no region, and the fleet does not say in which it lies.", "say it as location: REGION"
    if not home.known and world == "cn":
        return "the tables do not know where it lies, and nobody can be asked.", instead
    return _outside(home, place, world, allowed)


def _whose(home: Home) -> str:
    return {"gcp": "Google has no region in mainland China:", "azure": "Azure's own cloud ends at that border:"}.get(
        home.cloud, "as the tables know it,"
    )


def _outside(home: Home, place: str, world: str, allowed: tuple[str, ...]) -> tuple[str, str] | None:
    instead = f"use one of {', '.join(allowed)}"
    clouds = (home.cloud,) if home.cloud else tuple(WORLD_OF)
    worlds = {found for cloud in clouds if (found := WORLD_OF[cloud].get(region_of(cloud, place))) is not None}
    regions = {region_of(cloud, place) for cloud in clouds}
    if not worlds:
        return f"the tables do not know {place} as one single region.", instead
    if world not in worlds:
        return f"{place} lies in world {', '.join(sorted(worlds))}.", instead
    if not regions & set(allowed):
        return f"{place} is not in the allow-list of world {world}.", instead
    return None


def kept(world: World, path: str) -> Iterator[Problem]:
    """State, images and the key of the state's secrets lie inside the world, as far as their addresses tell."""
    state, where = world.state, f"spec.worlds.{world.name}"
    judged = (
        ("RES-010", "state.backend", "its state", state.backend,
         why_not(of_state(state.backend), state.location, world=world.name, allowed=world.regions)),
        ("RES-023", "registry", "its images", world.registry,
         why_not(of_registry(world.registry), world.registry_location, world=world.name, allowed=world.regions)),
        ("RES-012", "state.secrets_provider", "the key of its state's secrets", state.secrets_provider,
         _key(state.secrets_provider, world.name, world.regions)),
    )  # fmt: skip
    for code, field, what, value, found in judged:
        if found is not None:
            reason, fix = found
            shown = without_secrets(value)
            message = f"world {world.name} would keep {what} in {shown}: {reason} Allowed: {', '.join(world.regions)}."
            yield Problem(code=code, path=path, where=f"{where}.{field}", line=0, message=message, value=shown, fix=fix)


def without_secrets(address: str) -> str:
    """An address without the user and the password that may stand in it."""
    return re.sub(r"(?<=://)[^@/?#\s]*@", "", address)


def _key(provider: str, world: str, allowed: tuple[str, ...]) -> tuple[str, str] | None:
    scheme, _, rest = provider.partition("://")
    if scheme in _OWN_KEYS:
        return None
    fix = "use passphrase, or a key inside the world"
    if scheme not in _KEYS_ABROAD:
        return "nobody can say where this key lies.", fix
    if world == "cn":
        return "it is a key of a cloud outside China.", fix
    match = _GCP_KEY.match(rest) if scheme == "gcpkms" else None
    if match is None:
        return None
    return _outside(Home(cloud="gcp"), match["region"], world, allowed)
