"""Which cloud objects a pod may read, told from the resources of an `infra` stack alone. Pure.

A row is a resource as `pulumi stack export` writes it: `type`, `id`, `inputs`, `outputs`. A pod is its service account.
From it follow the identities that trust it, and from these what they are granted. Every doubt counts as a right: a
condition that is not understood holds, and a grant on something wider than we know is a grant on all of it.
"""

from __future__ import annotations

import fnmatch
import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    Row = Mapping[str, Any]
    Rows = list[Row]


class Access:
    """What the pods of one service account may read. `identities` are the cloud's names of who they may become."""

    def __init__(self, rows: Iterable[Row], cloud: str, *, namespace: str, account: str) -> None:
        self._rows = list(rows)
        self._cloud = _CLOUDS[cloud]
        subject = f"system:serviceaccount:{namespace}:{account}"
        self.identities = frozenset(self._cloud.becomes(self._rows, subject, namespace, account))

    def reads_object(self, bucket: str, name: str) -> bool:
        """Whether it may get an object. On Azure the bucket is a container, by its id."""
        return self._cloud.reads_object(self._rows, self.identities, bucket, name)

    def decrypts(self, bucket: str) -> bool:
        """Whether what it gets from a bucket is opened for it: who has to ask the bucket's key differs by cloud."""
        return self._cloud.decrypts(self._rows, self.identities, bucket)

    def lists(self, bucket: str, prefix: str) -> bool:
        """Whether it may list what begins with a prefix; the empty one means all of the bucket."""
        return self._cloud.lists(self._rows, self.identities, bucket, prefix)

    def reads_secret(self, secret: str) -> bool:
        """Whether it may read a secret, by the reference that the stack exports."""
        return self._cloud.reads_secret(self._rows, self.identities, secret)


def _of(rows: Rows, kind: str) -> Iterator[Row]:
    return (row for row in rows if row["type"] == kind)


def _in(row: Row, key: str) -> Any:
    return (row.get("inputs") or {}).get(key)


def _out(row: Row, key: str) -> Any:
    found = (row.get("outputs") or {}).get(key)
    return _in(row, key) if found is None else found


class _Alicloud:
    """RAM: roles by trust document, policies by attachment, wildcards in both."""

    def becomes(self, rows: Rows, subject: str, namespace: str, account: str) -> Iterator[str]:
        del namespace, account
        for role in _of(rows, "alicloud:ram/role:Role"):
            for statement in _statements(_in(role, "assumeRolePolicyDocument") or _in(role, "document")):
                if statement.get("Effect") == "Allow" and _trusts(statement, subject):
                    yield str(_in(role, "roleName") or _in(role, "name"))

    def reads_object(self, rows: Rows, who: frozenset[str], bucket: str, name: str) -> bool:
        return self._allowed(rows, who, "oss:GetObject", f"acs:oss:region:1:{bucket}/{name}", {})

    def decrypts(self, rows: Rows, who: frozenset[str], bucket: str) -> bool:
        """With every key that a bucket of this name names; without one the service's own is nobody's business."""
        rules = [
            _in(row, "serverSideEncryptionRule")
            for row in _of(rows, "alicloud:oss/bucket:Bucket")
            if _in(row, "bucket") == bucket
        ]
        keys = [rule["kmsMasterKeyId"] for rule in rules if isinstance(rule, dict) and rule.get("kmsMasterKeyId")]
        return all(self._allowed(rows, who, "kms:Decrypt", f"acs:kms:region:1:key/{key}", {}) for key in keys)

    def lists(self, rows: Rows, who: frozenset[str], bucket: str, prefix: str) -> bool:
        return self._allowed(rows, who, "oss:ListObjects", f"acs:oss:region:1:{bucket}", {"oss:prefix": prefix})

    def reads_secret(self, rows: Rows, who: frozenset[str], secret: str) -> bool:
        return self._allowed(rows, who, "kms:GetSecretValue", f"acs:kms:region:1:secret/{secret}", {})

    def _allowed(self, rows: Rows, who: frozenset[str], action: str, resource: str, context: Mapping[str, str]) -> bool:
        for attached in _of(rows, "alicloud:ram/rolePolicyAttachment:RolePolicyAttachment"):
            if _in(attached, "roleName") not in who:
                continue
            documents = [
                _in(policy, "policyDocument") or _in(policy, "document")
                for policy in _of(rows, "alicloud:ram/policy:Policy")
                if _in(policy, "policyName") == _in(attached, "policyName")
            ]
            # A policy of the cloud's own, or of another stack: what it says is not known.
            if not documents:
                return True
            statements = [one for document in documents for one in _statements(document)]
            if any(_applies(one, action, resource, context) for one in statements if one.get("Effect") == "Allow"):
                return True
        return False


def _statements(document: Any) -> list[Mapping[str, Any]]:
    """The statements of a policy document; one that allows all where it cannot be read."""
    try:
        found = json.loads(document)["Statement"]
    except (TypeError, ValueError, KeyError):
        return [{"Effect": "Allow", "Action": "*", "Resource": "*"}]
    return list(found) if isinstance(found, list) else [found]


def _texts(value: Any) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else [str(value)]


def _like(patterns: Any, value: str, *, ignore_case: bool = False) -> bool:
    """RAM's wildcards are `*` and `?`; a bracket is itself. Names of actions have no case."""
    for pattern in _texts(patterns):
        known, seen = (pattern.lower(), value.lower()) if ignore_case else (pattern, value)
        if fnmatch.fnmatchcase(seen, known.replace("[", "[[]")):
            return True
    return False


def _trusts(statement: Mapping[str, Any], subject: str) -> bool:
    """A trust without a condition on the subject is for every service account of the cluster, unless it is for services
    of the cloud alone.
    """
    principal = statement.get("Principal")
    if isinstance(principal, dict) and principal and set(principal) <= {"Service"}:
        return False
    wanted: list[tuple[str, Any]] = [
        (operator, value)
        for operator, keys in (statement.get("Condition") or {}).items()
        for key, value in keys.items()
        if key.lower() == "oidc:sub"
    ]
    return all(_like(value, subject) if operator == "StringLike" else subject in _texts(value)
               for operator, value in wanted if operator in {"StringLike", "StringEquals"})  # fmt: skip


def _applies(statement: Mapping[str, Any], action: str, resource: str, context: Mapping[str, str]) -> bool:
    # A region and an account of ours stand for any.
    known = [re.sub(r"^acs:([a-z]+):[^:]*:[^:]*:", r"acs:\1:region:1:", one) for one in _texts(statement["Resource"])]
    if not (_like(statement.get("Action"), action, ignore_case=True) and _like(known, resource)):
        return False
    for operator, keys in (statement.get("Condition") or {}).items():
        for key, value in keys.items():
            seen = context.get(key.lower())
            if operator == "StringLike" and seen is not None and not _like(value, seen):
                return False
            if operator == "StringEquals" and seen is not None and seen not in _texts(value):
                return False
    return True


_ANY_OBJECT = ("roles/storage.", "roles/owner", "roles/editor", "roles/viewer")
_ANY_SECRET = ("roles/secretmanager.", "roles/owner", "roles/editor")
_AS = ("roles/iam.workloadIdentityUser", "roles/iam.serviceAccountTokenCreator")
_NAMED = re.compile(r"resource\.name\.startsWith\('([^']*)'\)")
_LISTED = re.compile(r"api\.getAttribute\('storage\.googleapis\.com/objectListPrefix', ''\)\.startsWith\('([^']*)'\)")


class _Gcp:
    """Service accounts that a Kubernetes one may act as; roles on bucket, secret and project, with conditions."""

    def becomes(self, rows: Rows, subject: str, namespace: str, account: str) -> Iterator[str]:
        del subject
        for grant in _of(rows, "gcp:serviceaccount/iAMMember:IAMMember"):
            member = str(_in(grant, "member"))
            if _in(grant, "role") in _AS and (
                member.endswith(f"[{namespace}/{account}]") or not re.search(r"\[[^/\]]+/[^\]]+\]$", member)
            ):
                email = str(_in(grant, "serviceAccountId")).rpartition("/")[2]
                yield f"serviceAccount:{email}"

    def decrypts(self, rows: Rows, who: frozenset[str], bucket: str) -> bool:
        """The service opens it by an identity of its own."""
        del rows, who, bucket
        return True

    def reads_object(self, rows: Rows, who: frozenset[str], bucket: str, name: str) -> bool:
        asked = (f"projects/_/buckets/{bucket}/objects/{name}", "")
        return self._granted(rows, who, bucket, asked)

    def lists(self, rows: Rows, who: frozenset[str], bucket: str, prefix: str) -> bool:
        return self._granted(rows, who, bucket, (f"projects/_/buckets/{bucket}", prefix))

    def reads_secret(self, rows: Rows, who: frozenset[str], secret: str) -> bool:
        return _project_wide(rows, who, _ANY_SECRET) or any(
            _in(grant, "member") in who and _in(grant, "secretId") == secret
            for grant in _of(rows, "gcp:secretmanager/regionalSecretIamMember:RegionalSecretIamMember")
        )

    def _granted(self, rows: Rows, who: frozenset[str], bucket: str, asked: tuple[str, str]) -> bool:
        return _project_wide(rows, who, _ANY_OBJECT) or any(
            _in(grant, "member") in who and _in(grant, "bucket") == bucket and _holds(_in(grant, "condition"), *asked)
            for grant in _of(rows, "gcp:storage/bucketIAMMember:BucketIAMMember")
        )


def _project_wide(rows: Rows, who: frozenset[str], roles: tuple[str, ...]) -> bool:
    return any(
        _in(grant, "member") in who and str(_in(grant, "role")).startswith(roles)
        for grant in _of(rows, "gcp:projects/iAMMember:IAMMember")
    )


def _holds(condition: Any, resource: str, prefix: str) -> bool:
    """Whether a condition in CEL holds. Understood: names and listings that begin with something, joined by `||`."""
    if not condition:
        return True
    for part in str(condition.get("expression")).split("||"):
        text = part.strip()
        named, listed = _NAMED.fullmatch(text), _LISTED.fullmatch(text)
        if named is None and listed is None:
            return True
        if (named and resource.startswith(named[1])) or (listed and prefix.startswith(listed[1])):
            return True
    return False


# Built-in roles that read neither a blob nor a secret, by the end of their ids.
_HARMLESS = ("4d97b98b-1d4f-4787-a291-c67834d212e7", "7f951dda-4ed3-4680-a7ca-43fe172d538d")


class _Azure:
    """Managed identities by federation; role assignments, which hold for all that lies below their scope."""

    def becomes(self, rows: Rows, subject: str, namespace: str, account: str) -> Iterator[str]:
        del namespace, account
        trusted = {
            _in(one, "resourceName")
            for one in _of(rows, "azure-native:managedidentity:FederatedIdentityCredential")
            if _in(one, "subject") == subject
        }
        for user in _of(rows, "azure-native:managedidentity:UserAssignedIdentity"):
            if _in(user, "resourceName") in trusted:
                yield str(_out(user, "principalId"))

    def decrypts(self, rows: Rows, who: frozenset[str], bucket: str) -> bool:
        """The service opens it by an identity of its own."""
        del rows, who, bucket
        return True

    def reads_object(self, rows: Rows, who: frozenset[str], bucket: str, name: str) -> bool:
        del name
        return self._assigned(rows, who, bucket)

    def lists(self, rows: Rows, who: frozenset[str], bucket: str, prefix: str) -> bool:
        del prefix
        return self._assigned(rows, who, bucket)

    def reads_secret(self, rows: Rows, who: frozenset[str], secret: str) -> bool:
        host, _, name = secret.partition("/secrets/")
        vaults = [
            f"{vault.get('id')}/secrets/{name}"
            for vault in _of(rows, "azure-native:keyvault:Vault")
            if host == f"https://{_in(vault, 'vaultName')}.vault.azure.net"
        ]
        return any(self._assigned(rows, who, one) for one in vaults or [""])

    def _assigned(self, rows: Rows, who: frozenset[str], thing: str) -> bool:
        """Whether a role is assigned on the thing or on anything above it; any at all where it is not known."""
        return any(
            _in(one, "principalId") in who
            and not str(_in(one, "roleDefinitionId")).endswith(_HARMLESS)
            and f"{thing.lower()}/".startswith("" if not thing else f"{str(_in(one, 'scope')).lower().rstrip('/')}/")
            for one in _of(rows, "azure-native:authorization:RoleAssignment")
        )


_CLOUDS: dict[str, Any] = {"alicloud": _Alicloud(), "gcp": _Gcp(), "azure": _Azure()}
