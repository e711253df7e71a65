"""Key Vault: a key on P-256, which takes the digest and answers with the two numbers of a signature side by side."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cli.sign.model import decoded, exchange

if TYPE_CHECKING:
    from cli.check.tool import Tool

_HALF = 32


@dataclass(frozen=True)
class Keys:
    """One key of a vault. `key` is its address, with a version or without."""

    tool: Tool
    key: str
    region: str

    def _id(self, version: str = "") -> str:
        scheme, host, kind, name = self.key.replace("://", "/", 1).split("/")[:4]
        return "/".join((f"{scheme}://{host}", kind, name, *filter(None, (version,))))

    def versions(self) -> list[str]:
        """Those that are enabled, by the moment they were made."""
        listed: list[dict[str, Any]] = self.tool.ask(
            "keyvault", "key", "list-versions", "--id", self._id(), "--output", "json"
        )
        usable = [one for one in listed if one["attributes"].get("enabled")]
        ordered = sorted(usable, key=lambda one: str(one["attributes"]["created"]), reverse=True)
        return [str(one["kid"]).rsplit("/", 1)[-1] for one in ordered]

    def public_key(self, version: str) -> bytes:
        """As the vault publishes it."""
        with exchange() as folder:
            file = folder / "public.pem"
            form = ("--encoding", "PEM", "--file", str(file))
            self.tool.text("keyvault", "key", "download", "--id", self._id(version), *form)
            return file.read_bytes()

    def sign(self, version: str, data: bytes) -> bytes:
        """The signature of the digest, in DER."""
        from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

        digest = base64.b64encode(hashlib.sha256(data).digest()).decode()
        what = ("--id", self._id(version), "--algorithm", "ES256", "--digest", digest, "--output", "json")
        raw = decoded(str(self.tool.ask("keyvault", "key", "sign", *what)["signature"]))
        if len(raw) != 2 * _HALF:
            raise ValueError(len(raw))
        return encode_dss_signature(int.from_bytes(raw[:_HALF], "big"), int.from_bytes(raw[_HALF:], "big"))
