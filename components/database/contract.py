"""The PostgreSQL of a cell: two zones, private, encrypted at rest with the cell's key and on the wire."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from components.base import Component, Place

if TYPE_CHECKING:
    import pulumi

    from components.identity.contract import IdentityOutputs
    from components.key.contract import KeyOutputs
    from components.network.contract import NetworkOutputs
    from components.network.plan import AddressPlan

# The one database that is made in the server; people make others in it as they like.
DATABASE = "twain"


@dataclass(frozen=True, kw_only=True)
class DatabaseInputs:
    """The place, the address plan (who may connect), the network, the key, the identities of the cell's workloads."""

    place: Place
    plan: AddressPlan
    network: NetworkOutputs
    key: KeyOutputs
    identity: IdentityOutputs


@dataclass(frozen=True, kw_only=True)
class DatabaseOutputs:
    """What a connection needs: `host` (a name or address inside the cell's network), `port` and the `name` of the
    database. `users` is how each maison's workload identity logs in, without a password; empty where nobody can log in
    until a person has made a login.
    """

    database_id: pulumi.Output[str]
    host: pulumi.Output[str]
    port: pulumi.Output[str]
    name: str
    users: dict[str, pulumi.Output[str]]


class Database(Component[DatabaseInputs, DatabaseOutputs]):
    """A PostgreSQL server in two zones of one region, with one database in it.

    Ten minutes to an hour to create. A connection without TLS is refused. Backups are taken daily, stay in the region
    and are kept `backup_days`; within them it can be put back to any second, on GCP within seven days at most.
    Pay as you go; the disk does not grow by itself, because that would undo what the fleet declares, so its filling up
    must be watched.

    No password is in the program, in its state or in an output. On GCP and Azure the cloud's identities log in; Alibaba
    Cloud has passwords only. Rights inside the database are given in SQL, by a person. With `protect`, deletion is
    refused: by the cloud on Alibaba Cloud and GCP, by a lock on Azure.
    """

    kind = "Database"

    @abstractmethod
    def build(self, name: str, inputs: DatabaseInputs) -> DatabaseOutputs:
        """Declare the server."""
