"""KMS of Alibaba Cloud: a key on P-256 in a KMS instance, which takes the digest."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cli.sign.model import decoded

if TYPE_CHECKING:
    from cli.check.tool import Tool


@dataclass(frozen=True)
class Keys:
    """One key of the region."""

    tool: Tool
    key: str
    region: str

    def _ask(self, action: str, *args: str) -> Any:
        return self.tool.ask("kms", action, "--RegionId", self.region, "--KeyId", self.key, *args)

    def versions(self) -> list[str]:
        """All that there are, by the day they were made."""
        listed = self._ask("ListKeyVersions", "--PageSize", "100")["KeyVersions"]["KeyVersion"]
        ordered = sorted(listed, key=lambda one: str(one["CreationDate"]), reverse=True)
        return [str(one["KeyVersionId"]) for one in ordered]

    def public_key(self, version: str) -> bytes:
        """As the service publishes it."""
        return str(self._ask("GetPublicKey", "--KeyVersionId", version)["PublicKey"]).encode()

    def sign(self, version: str, data: bytes) -> bytes:
        """The signature of the digest, in DER."""
        digest = base64.b64encode(hashlib.sha256(data).digest()).decode()
        args = ("--KeyVersionId", version, "--Algorithm", "ECDSA_SHA_256", "--Digest", digest)
        return decoded(str(self._ask("AsymmetricSign", *args)["Value"]))
