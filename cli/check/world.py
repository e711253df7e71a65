"""Whether a world's state and images lie where the fleet says. An address that names its region is believed; where the
fleet alone says it, the cloud is asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cli import errors
from cli.check.model import Finding, failed, ok, unknown
from cli.check.probe import tool_of
from components.policy import homes
from components.policy.places import region_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cli.check.tool import Tool
    from components.policy.homes import Home
    from components.spec.model import World

STATE, REGISTRY = "state", "registry"


def look(world: World, env: Mapping[str, str]) -> list[Finding]:
    """One finding about each of the two. The rules on the fleet have let them pass already."""
    state = homes.of_state(world.state.backend)
    registry = homes.of_registry(world.registry)
    return [
        _look(STATE, homes.without_secrets(world.state.backend), state, world.state.location, env),
        _look(REGISTRY, world.registry, registry, world.registry_location, env),
    ]


def _look(check: str, address: str, home: Home, location: str | None, env: Mapping[str, str]) -> Finding:
    if home.local:
        return ok(check, address, "a folder of this machine: the world is emulated", source="fleet")
    if home.region:
        return ok(check, address, f"in {region_of(home.cloud, home.region)}", source="address")
    told = location or "nowhere"
    kind, name = home.ask
    if kind not in _ASKS or not (name := name or env.get("AZURE_STORAGE_ACCOUNT", "")):
        return unknown(check, address, f"the fleet says {told}, and nobody can be asked", source="fleet")
    try:
        cloud, places = _ASKS[kind](env, name)
    except errors.AuthError as error:
        return failed(check, address, error.message, fix=error.fix or "sign in", code=errors.AUTH)
    except errors.TwainError as error:
        return unknown(check, address, f"the fleet says {told}; {error.message}", fix=error.fix)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        says = f"the fleet says {told}; the tool's answer is not understood ({type(error).__name__})"
        return unknown(check, address, says, fix="compare the tool's version with docs/explanation/checks.md")
    return _compared(check, address, told, cloud, places)


def _compared(check: str, address: str, told: str, cloud: str, places: list[str]) -> Finding:
    found = [region_of(cloud, place) for place in places]
    tool = "gcloud" if cloud == "gcp" else "az"
    if not found:
        return unknown(check, address, f"the fleet says {told}; the cloud names no place", source=tool)
    strange = sorted({place for place in found if place != region_of(cloud, told)})
    if not strange:
        return ok(check, address, f"in {told}", source=tool)
    says = f"the fleet says {told}, and it lies in {' and '.join(sorted(set(found)))}."
    fix = "keep it in the region that the fleet names, in no other besides; what was written there must be removed"
    return failed(check, address, says, fix=fix, code=errors.POLICY, source=tool)


def _bucket(env: Mapping[str, str], name: str) -> tuple[str, list[str]]:
    return "gcp", _texts(tool_of("gcp", env).ask("storage", "buckets", "describe", f"gs://{name}", "--format=json"))


def _account(env: Mapping[str, str], name: str) -> tuple[str, list[str]]:
    return "azure", _texts(_az(env).ask("storage", "account", "show", "--name", name, "--output", "json"))


def _registry(env: Mapping[str, str], name: str) -> tuple[str, list[str]]:
    tool = _az(env)
    found = _texts(tool.ask("acr", "show", "--name", name, "--output", "json"))
    copies = tool.ask("acr", "replication", "list", "--registry", name, "--output", "json")
    return "azure", [*found, *(str(one["location"]) for one in copies)]


def _az(env: Mapping[str, str]) -> Tool:
    return tool_of("azure", env)


def _texts(answer: Mapping[str, Any]) -> list[str]:
    """Every place that a description names: a copy in a second one counts as much as the first."""
    named = [str(answer["location"]), answer.get("primaryLocation"), answer.get("secondaryLocation")]
    placed = (answer.get("custom_placement_config") or {}).get("dataLocations") or ()
    return [str(one) for one in (*named, *placed) if one]


_ASKS: dict[str, Callable[[Mapping[str, str], str], tuple[str, list[str]]]] = {
    "gs": _bucket,
    "azblob": _account,
    "acr": _registry,
}
