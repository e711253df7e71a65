"""What exists in the emulated clouds of one world: one SQLite file, shared by providers, agents and bills.

Every process opens its own `Store`. Each method is one transaction; a process that is killed inside one leaves
nothing of it.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
from typing import TYPE_CHECKING, Any, Final

from rehearsal.providers.records import (
    ClusterRecord,
    FaultKind,
    NameTakenError,
    NodeRecord,
    Pool,
    Resource,
    State,
    Taint,
)

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence
    from pathlib import Path

__all__ = ["ClusterRecord", "FaultKind", "NameTakenError", "NodeRecord", "Pool", "Resource", "State", "Store", "Taint"]

DATABASE: Final = "cloud.sqlite"
_SCHEMA_VERSION: Final = 1
# Longer than any single transaction here by four orders of magnitude; only a stuck disk exceeds it.
_BUSY_TIMEOUT_S: Final = 30.0
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS meta(key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS resources(
    row INTEGER PRIMARY KEY, id TEXT NOT NULL, cloud TEXT NOT NULL, type TEXT NOT NULL, name TEXT NOT NULL, cell TEXT
    NOT NULL,
    region TEXT NOT NULL, zone TEXT NOT NULL, inputs TEXT NOT NULL, outputs TEXT NOT NULL, created REAL NOT NULL,
    deleted REAL, state TEXT NOT NULL, urn TEXT NOT NULL, key TEXT NOT NULL, parents TEXT NOT NULL);
CREATE UNIQUE INDEX IF NOT EXISTS resources_live_id ON resources(type, id) WHERE deleted IS NULL;
CREATE UNIQUE INDEX IF NOT EXISTS resources_live_key ON resources(cloud, key) WHERE deleted IS NULL;
CREATE INDEX IF NOT EXISTS resources_cell ON resources(cell);
CREATE TABLE IF NOT EXISTS pools(
    cell TEXT NOT NULL, name TEXT NOT NULL, cloud TEXT NOT NULL, kind TEXT NOT NULL, gpu_class TEXT, instance_type
    TEXT NOT NULL,
    gpus INTEGER NOT NULL, min INTEGER NOT NULL, max INTEGER NOT NULL, zones TEXT NOT NULL, labels TEXT NOT NULL,
    taints TEXT NOT NULL, resource TEXT NOT NULL, created REAL NOT NULL, deleted REAL);
CREATE UNIQUE INDEX IF NOT EXISTS pools_live ON pools(cell, name) WHERE deleted IS NULL;
CREATE TABLE IF NOT EXISTS nodes(
    cell TEXT NOT NULL, pool TEXT NOT NULL, name TEXT NOT NULL, instance_type TEXT NOT NULL, zone TEXT NOT NULL, gpus
    INTEGER NOT NULL, created REAL NOT NULL, ready REAL, deleted REAL);
CREATE UNIQUE INDEX IF NOT EXISTS nodes_live ON nodes(cell, name) WHERE deleted IS NULL;
CREATE TABLE IF NOT EXISTS clusters(
    id TEXT NOT NULL, cell TEXT NOT NULL, cloud TEXT NOT NULL, region TEXT NOT NULL, endpoint TEXT NOT NULL, ca TEXT
    NOT NULL, minor TEXT NOT NULL, created REAL NOT NULL, deleted REAL);
CREATE UNIQUE INDEX IF NOT EXISTS clusters_live ON clusters(id) WHERE deleted IS NULL;
CREATE TABLE IF NOT EXISTS faults(
    id INTEGER PRIMARY KEY, kind TEXT NOT NULL, match TEXT NOT NULL, remaining INTEGER NOT NULL);
"""


class Store:
    """The world's file. Thread-compatible: one `Store` per thread or one lock around it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    @classmethod
    def open(cls, world_dir: Path) -> Store:
        """Open (and on first use make) `world_dir/cloud.sqlite`, mode 0600. Safe for many processes at once."""
        world_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = world_dir / DATABASE
        path.touch(mode=0o600, exist_ok=True)
        connection = sqlite3.connect(path, timeout=_BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
        connection.row_factory = sqlite3.Row
        _write_ahead(connection)
        connection.execute("PRAGMA synchronous=NORMAL")
        store = cls(connection)
        if not store._table_exists("faults"):
            with store._transaction():
                for statement in _SCHEMA.split(";"):
                    connection.execute(statement)
                connection.execute("INSERT OR IGNORE INTO meta VALUES('schema', ?)", (str(_SCHEMA_VERSION),))
        return store

    def close(self) -> None:
        """Release the file."""
        self._db.close()

    # Resources

    def begin_create(self, resource: Resource) -> tuple[Resource, bool]:
        """Record a creation before its side effect: state `creating`.

        Returns (the row to go on with, whether it is adopted). A live row of the same key made by the same URN is what
        a killed run left: it is adopted with its id, so that a second create duplicates nothing. A row of another URN
        raises `NameTakenError`.
        """
        with self._transaction():
            found = self._one(
                "SELECT * FROM resources WHERE cloud=? AND key=? AND deleted IS NULL", (resource.cloud, resource.key)
            )
            if found is None:
                self._insert(resource, state="creating")
                return resource, False
            existing = _resource(found)
            if existing.urn != resource.urn or existing.type != resource.type:
                message = f"{resource.name} exists already as {existing.id} (created by {existing.urn})"
                raise NameTakenError(message)
            return existing, True

    def finish_create(self, type_: str, id_: str, *, inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> None:
        """Mark a recorded creation as done: state `live`. Repeatable."""
        self.update_resource(type_, id_, inputs=inputs, outputs=outputs, state="live")

    def abandon_create(self, type_: str, id_: str) -> None:
        """Forget a creation that the cloud refused before it made anything."""
        with self._transaction():
            self._db.execute(
                "DELETE FROM resources WHERE type=? AND id=? AND deleted IS NULL AND state='creating'", (type_, id_)
            )

    def put_resource(self, resource: Resource) -> None:
        """Insert a live resource as it is (tests, and resources that the cloud makes by itself)."""
        with self._transaction():
            self._insert(resource, state=resource.state)

    def update_resource(
        self, type_: str, id_: str, *, inputs: Mapping[str, Any], outputs: Mapping[str, Any], state: State = "live"
    ) -> None:
        """Replace inputs and outputs of a live resource."""
        with self._transaction():
            self._db.execute(
                "UPDATE resources SET inputs=?, outputs=?, state=? WHERE type=? AND id=? AND deleted IS NULL",
                (_dump(inputs), _dump(outputs), state, type_, id_),
            )

    def delete_resource(self, type_: str, id_: str, *, at: float | None = None) -> bool:
        """Mark a resource as deleted; False when there was none (a repeated delete is no error)."""
        with self._transaction():
            cursor = self._db.execute(
                "UPDATE resources SET deleted=?, state='deleted' WHERE type=? AND id=? AND deleted IS NULL",
                (time.time() if at is None else at, type_, id_),
            )
            return cursor.rowcount > 0

    def get_resource(self, id_: str, *, type: str | None = None) -> Resource | None:  # noqa: A002 - the column's name
        """The live resource with this id, or None. Name the type where ids of two types may coincide."""
        found = self._one(
            "SELECT * FROM resources WHERE id=? AND (? IS NULL OR type=?) AND deleted IS NULL", (id_, type, type)
        )
        return _resource(found) if found else None

    def find_by_name(self, type_: str, name: str) -> list[Resource]:
        """Live resources of a type with this physical name."""
        rows = self._db.execute("SELECT * FROM resources WHERE type=? AND name=? AND deleted IS NULL", (type_, name))
        return [_resource(row) for row in rows]

    def list_resources(
        self,
        *,
        type: str | None = None,  # noqa: A002 - the column's name
        cell: str | None = None,
        cloud: str | None = None,
        live: bool = True,
    ) -> list[Resource]:
        """Resources in order of creation; with `live=False` the deleted ones too."""
        rows = self._db.execute(
            "SELECT * FROM resources WHERE (? IS NULL OR type=?) AND (? IS NULL OR cell=?) AND (? IS NULL OR cloud=?)"
            " AND (NOT ? OR deleted IS NULL) ORDER BY row",
            (type, type, cell, cell, cloud, cloud, live),
        )
        return [_resource(row) for row in rows]

    def children(self, parent: str) -> list[Resource]:
        """Live resources that hang from `<type>|<id>`."""
        rows = self._db.execute(
            "SELECT resources.* FROM resources, json_each(resources.parents)"
            " WHERE json_each.value=? AND deleted IS NULL",
            (parent,),
        )
        return [_resource(row) for row in rows]

    # Pools, Nodes, clusters

    def put_pool(self, pool: Pool) -> None:
        """Insert or replace the live pool of this cell and name, keeping its creation time."""
        with self._transaction():
            found = self._one(
                "SELECT created FROM pools WHERE cell=? AND name=? AND deleted IS NULL", (pool.cell, pool.name)
            )
            self._db.execute("DELETE FROM pools WHERE cell=? AND name=? AND deleted IS NULL", (pool.cell, pool.name))
            taints = [[taint.key, taint.value, taint.effect] for taint in pool.taints]
            self._db.execute(
                "INSERT INTO pools VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,NULL)",
                (
                    pool.cell,
                    pool.name,
                    pool.cloud,
                    pool.kind,
                    pool.gpu_class,
                    pool.instance_type,
                    pool.gpus,
                    pool.min,
                    pool.max,
                    _dump(list(pool.zones)),
                    _dump(pool.labels),
                    _dump(taints),
                    pool.resource,
                    found["created"] if found else time.time(),
                ),
            )

    def remove_pools(self, *, resource: str) -> None:
        """Mark the pools of one cloud resource as deleted; repeatable."""
        with self._transaction():
            self._db.execute("UPDATE pools SET deleted=? WHERE resource=? AND deleted IS NULL", (time.time(), resource))

    def pools(self, cell: str) -> list[Pool]:
        """The live pools of a cell, by name."""
        rows = self._db.execute("SELECT * FROM pools WHERE cell=? AND deleted IS NULL ORDER BY name", (cell,))
        return [_pool(row) for row in rows]

    def node_created(
        self, *, cell: str, pool: str, name: str, instance_type: str, zone: str, gpus: int, created: float | None = None
    ) -> None:
        """Record the birth of a Node; a live Node of that name is left as it is."""
        with self._transaction():
            self._db.execute(
                "INSERT OR IGNORE INTO nodes VALUES(?,?,?,?,?,?,?,NULL,NULL)",
                (cell, pool, name, instance_type, zone, gpus, time.time() if created is None else created),
            )

    def node_ready(self, *, cell: str, name: str, ready: float | None = None) -> None:
        """Record that a Node became Ready, once."""
        with self._transaction():
            self._db.execute(
                "UPDATE nodes SET ready=? WHERE cell=? AND name=? AND deleted IS NULL AND ready IS NULL",
                (time.time() if ready is None else ready, cell, name),
            )

    def node_deleted(self, *, cell: str, name: str, deleted: float | None = None) -> None:
        """Record a Node's end; repeatable."""
        with self._transaction():
            self._db.execute(
                "UPDATE nodes SET deleted=? WHERE cell=? AND name=? AND deleted IS NULL",
                (time.time() if deleted is None else deleted, cell, name),
            )

    def nodes(self, cell: str | None = None, *, live: bool = True) -> list[NodeRecord]:
        """Nodes in order of birth, of one cell or of all; with `live=False` the gone ones too."""
        rows = self._db.execute(
            "SELECT * FROM nodes WHERE (? IS NULL OR cell=?) AND (NOT ? OR deleted IS NULL) ORDER BY created, name",
            (cell, cell, live),
        )
        return [NodeRecord(**dict(row)) for row in rows]

    def put_cluster(self, cluster: ClusterRecord) -> None:
        """Insert or replace the live cluster of this id."""
        with self._transaction():
            self._db.execute("DELETE FROM clusters WHERE id=? AND deleted IS NULL", (cluster.id,))
            values = (cluster.endpoint, cluster.ca, cluster.minor, cluster.created, cluster.deleted)
            self._db.execute(
                "INSERT INTO clusters VALUES(?,?,?,?,?,?,?,?,?)",
                (cluster.id, cluster.cell, cluster.cloud, cluster.region, *values),
            )

    def remove_cluster(self, id_: str) -> None:
        """Mark a cluster as deleted, with the Nodes and pools of its cell; repeatable."""
        with self._transaction():
            now = time.time()
            found = self._one("SELECT cell FROM clusters WHERE id=? AND deleted IS NULL", (id_,))
            if found is None:
                return
            self._db.execute("UPDATE clusters SET deleted=? WHERE id=? AND deleted IS NULL", (now, id_))
            self._db.execute("UPDATE nodes SET deleted=? WHERE cell=? AND deleted IS NULL", (now, found["cell"]))
            self._db.execute("UPDATE pools SET deleted=? WHERE cell=? AND deleted IS NULL", (now, found["cell"]))

    def clusters(self, *, live: bool = True) -> list[ClusterRecord]:
        """Clusters in order of creation."""
        rows = self._db.execute("SELECT * FROM clusters WHERE (NOT ? OR deleted IS NULL) ORDER BY created", (live,))
        return [ClusterRecord(**dict(row)) for row in rows]

    # Faults

    def add_fault(self, kind: FaultKind, *, match: Mapping[str, str], times: int = 1) -> int:
        """Make the next `times` operations that fit `match` (`op`, `type`, `name`, `zone`, `instance_type`, `cell`)
        fail; returns its id."""
        with self._transaction():
            cursor = self._db.execute(
                "INSERT INTO faults(kind, match, remaining) VALUES(?,?,?)", (kind, _dump(match), times)
            )
            return int(cursor.lastrowid or 0)

    def take_fault(self, facts: Mapping[str, str], *, kinds: Sequence[str] | None = None) -> FaultKind | None:
        """The first armed fault that fits, counted down by one, or None. Two processes never take the same count."""
        if self._one("SELECT 1 FROM faults WHERE remaining > 0 LIMIT 1", ()) is None:
            return None
        with self._transaction():
            rows = self._db.execute("SELECT * FROM faults WHERE remaining > 0 ORDER BY id").fetchall()
            for row in rows:
                wanted = json.loads(row["match"])
                fits = all(facts.get(key) == value for key, value in wanted.items())
                if fits and (kinds is None or row["kind"] in kinds):
                    self._db.execute("UPDATE faults SET remaining = remaining - 1 WHERE id=?", (row["id"],))
                    return row["kind"]
        return None

    def clear_faults(self) -> None:
        """Disarm all faults."""
        with self._transaction():
            self._db.execute("DELETE FROM faults")

    # Meta

    def meta(self, key: str) -> str | None:
        """A free value of this world, or None."""
        found = self._one("SELECT value FROM meta WHERE key=?", (key,))
        return None if found is None else str(found["value"])

    def set_meta(self, key: str, value: str) -> None:
        """Set a free value of this world."""
        with self._transaction():
            self._db.execute("INSERT OR REPLACE INTO meta VALUES(?, ?)", (key, value))

    def first_meta(self, key: str, value: str) -> str:
        """Set a free value of this world unless there is one, and say which it is now."""
        with self._transaction():
            self._db.execute("INSERT OR IGNORE INTO meta VALUES(?, ?)", (key, value))
        return self.meta(key) or value

    def _insert(self, resource: Resource, *, state: str) -> None:
        self._db.execute(
            "INSERT INTO resources(id, cloud, type, name, cell, region, zone, inputs, outputs, created, deleted, state,"
            " urn, key, parents) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
            (
                resource.id,
                resource.cloud,
                resource.type,
                resource.name,
                resource.cell,
                resource.region,
                resource.zone,
                _dump(resource.inputs),
                _dump(resource.outputs),
                resource.created or time.time(),
                resource.deleted,
                state,
                resource.urn,
                resource.key,
                _dump(list(resource.parents)),
            ),
        )

    def _one(self, sql: str, values: Sequence[Any]) -> sqlite3.Row | None:
        return self._db.execute(sql, values).fetchone()

    def _table_exists(self, name: str) -> bool:
        return self._one("SELECT 1 FROM sqlite_master WHERE type='table' AND name=?", (name,)) is not None

    @contextlib.contextmanager
    def _transaction(self) -> Generator[None]:
        # IMMEDIATE takes the write lock at once: a read that later became a write could lose it to another process.
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")


def _dump(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True)


def _resource(row: sqlite3.Row) -> Resource:
    values = dict(row)
    values.pop("row")
    values["inputs"] = json.loads(values["inputs"])
    values["outputs"] = json.loads(values["outputs"])
    values["parents"] = tuple(json.loads(values["parents"]))
    return Resource(**values)


def _pool(row: sqlite3.Row) -> Pool:
    values = dict(row)
    values.pop("deleted")
    values["zones"] = tuple(json.loads(values["zones"]))
    values["labels"] = json.loads(values["labels"])
    values["taints"] = tuple(
        Taint(key=key, value=value, effect=effect) for key, value, effect in json.loads(values["taints"])
    )
    return Pool(**values)


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Put a new file into WAL mode. SQLite does not wait where two do that at once, whatever timeout it was given."""
    deadline = time.monotonic() + _BUSY_TIMEOUT_S
    while True:
        try:
            if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
                connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return
