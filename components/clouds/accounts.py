"""Facts about accounts: how a project is named, which built-in roles there are, how ids are put together."""

from __future__ import annotations

# The longest that a project's id may be.
_PROJECT = 30
# Built-in roles by their fixed ids.
ROLES = {
    "Key Vault Contributor": "f25e0fa2-a7c8-4377-a976-54943a77a395",
    "Key Vault Crypto Service Encryption User": "e147488a-f6f5-4113-8e2d-b22465e65bf6",
    "Key Vault Crypto User": "12338af0-0e69-4776-bea7-57ae8d297424",
    "Network Contributor": "4d97b98b-1d4f-4787-a291-c67834d212e7",
    "Storage Blob Data Reader": "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1",
}


def role_definition(resource_id: str, role: str) -> str:
    """The id of a built-in role in the subscription that `resource_id` lies in."""
    subscription = resource_id.split("/")[2]
    return f"/subscriptions/{subscription}/providers/Microsoft.Authorization/roleDefinitions/{ROLES[role]}"


def gcp_project(declared: str, *, fleet: str, world: str) -> str:
    """The project of a cell on GCP: the fleet's word, else a name made from the fleet's and the world's."""
    return declared or f"twain-{fleet}-{world}"[:_PROJECT].rstrip("-")
