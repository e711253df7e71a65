"""Cloud KMS: a key of algorithm EC_SIGN_ED25519, which takes what is signed whole and not its digest."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cli import errors
from cli.sign.model import decoded, exchange

if TYPE_CHECKING:
    from cli.check.tool import Tool

_ID = re.compile(
    r"^projects/(?P<project>[^/]+)/locations/(?P<location>[^/]+)/keyRings/(?P<ring>[^/]+)/cryptoKeys/(?P<key>[^/]+)$"
)
# The service takes 64 KiB at most; cloud.google.com/kms/docs/reference/rest (asymmetricSign, `data`).
_MOST = 65_536
_RAW = 64


@dataclass(frozen=True)
class Keys:
    """One key of a ring."""

    tool: Tool
    key: str
    region: str

    def _place(self) -> tuple[str, ...]:
        match = _ID.match(self.key)
        if match is None:
            raise ValueError(self.key)
        ring, project = f"--keyring={match['ring']}", f"--project={match['project']}"
        return f"--key={match['key']}", ring, f"--location={match['location']}", project

    def versions(self) -> list[str]:
        """Those that are enabled."""
        asked = ("kms", "keys", "versions", "list", *self._place(), "--filter=state=ENABLED", "--format=json")
        listed: list[dict[str, Any]] = self.tool.ask(*asked)
        return sorted((str(one["name"]).rsplit("/", 1)[-1] for one in listed), key=int, reverse=True)

    def public_key(self, version: str) -> bytes:
        """As the service publishes it."""
        with exchange() as folder:
            file = folder / "public.pem"
            what = ("kms", "keys", "versions", "get-public-key", version)
            self.tool.text(*what, *self._place(), f"--output-file={file}")
            return file.read_bytes()

    def sign(self, version: str, data: bytes) -> bytes:
        """The signature of the whole."""
        if len(data) > _MOST:
            message = f"what is to be signed has {len(data)} bytes, and Cloud KMS takes {_MOST} at most."
            raise errors.UsageError(message, fix="report on fewer cells at once: --cell NAME", id="KEY-SIZE")
        with exchange() as folder:
            given, made = folder / "data", folder / "signature"
            given.write_bytes(data)
            files = (f"--input-file={given}", f"--signature-file={made}")
            self.tool.text("kms", "asymmetric-sign", f"--version={version}", *self._place(), *files)
            raw = made.read_bytes()
        # Releases of the tool differ: some write it as it is, some as base64.
        return raw if len(raw) == _RAW else decoded(raw.decode("ascii"))
