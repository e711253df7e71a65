"""Facts about accounts: how a project is named, which built-in roles there are, how ids are put together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from components.spec.model import Cell, Fleet

# The longest that a project's id may be.
_PROJECT = 30
# Built-in roles by their fixed ids.
ROLES = {
    "AcrPull": "7f951dda-4ed3-4680-a7ca-43fe172d538d",
    "Key Vault Contributor": "f25e0fa2-a7c8-4377-a976-54943a77a395",
    "Key Vault Crypto Service Encryption User": "e147488a-f6f5-4113-8e2d-b22465e65bf6",
    "Key Vault Crypto User": "12338af0-0e69-4776-bea7-57ae8d297424",
    "Key Vault Secrets User": "4633458b-17de-408a-b874-0445c86b69e6",
    "Monitoring Metrics Publisher": "3913510d-42f4-4e42-8a64-420c390055eb",
    "Network Contributor": "4d97b98b-1d4f-4787-a291-c67834d212e7",
    "Reader": "acdd72a7-3385-48ef-bd42-f606fba81ae7",
    "Storage Blob Data Reader": "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1",
}


def role_definition(resource_id: str, role: str) -> str:
    """The id of a built-in role in the subscription that `resource_id` lies in."""
    subscription = resource_id.split("/")[2]
    return f"/subscriptions/{subscription}/providers/Microsoft.Authorization/roleDefinitions/{ROLES[role]}"


def gcp_project(declared: str, *, fleet: str, world: str) -> str:
    """The project of a cell on GCP: the fleet's word, else a name made from the fleet's and the world's."""
    return declared or f"twain-{fleet}-{world}"[:_PROJECT].rstrip("-")


def key_parts(key_uri: str) -> tuple[str, str]:
    """Vault URI and key name out of a key's URI with version on Azure."""
    head, _, tail = key_uri.partition("/keys/")
    return head, tail.split("/")[0]


def speaks_for_account(fleet: Fleet, cell: Cell) -> bool:
    """Whether this cell declares what its account, project or subscription has only one of.

    Of the cells of a world that share one: the cell of the gate if it is among them, else the first of the file. A
    fleet that changes who that is moves the setting from one stack to another, and must bring the old one up first.
    """
    sharing = [other.name for other in fleet.cells if account_of(fleet, other) == account_of(fleet, cell)]
    gate = fleet.worlds[cell.world].gate_cell
    return cell.name == (gate if gate in sharing else sharing[0])


@dataclass(frozen=True, kw_only=True)
class AccountLimit:
    """How many of a thing an account of a cloud holds, and how many of them each cell has: so many, and so many more
    for each maison. One that is not `fixed` is the account's quota, which its cloud raises when it is asked.
    """

    what: str
    most: int
    cell: int
    maison: int
    fixed: bool
    source: str

    def needed(self, *, cells: int, maisons: int) -> int:
        """How many there would be."""
        return cells * (self.cell + self.maison * maisons)


LIMITS: dict[str, tuple[AccountLimit, ...]] = {
    "alicloud": (
        AccountLimit(what="RAM roles", most=1000, cell=1, maison=1, fixed=False, source="help.aliyun.com, RAM limits"),
        AccountLimit(
            what="RAM policies", most=1500, cell=1, maison=2, fixed=False, source="help.aliyun.com, RAM limits"
        ),
    ),
    "gcp": (
        AccountLimit(
            what="log exclusions",
            most=10,
            cell=1,
            maison=0,
            fixed=True,
            source="Cloud Logging API, exclusions",
        ),
        AccountLimit(
            what="service accounts", most=100, cell=1, maison=1, fixed=False, source="IAM quotas and limits of GCP"
        ),
    ),
}


def account_of(fleet: Fleet, cell: Cell) -> tuple[str, str, str]:
    """What tells the account of a cell from others: its world, its cloud, and its project or subscription."""
    own = cell.overrides
    project = gcp_project(own.gcp.project if own and own.gcp else "", fleet=fleet.name, world=cell.world)
    subscription = own.azure.subscription if own and own.azure else ""
    return cell.world, cell.cloud, {"gcp": project, "azure": subscription}.get(cell.cloud, "")
