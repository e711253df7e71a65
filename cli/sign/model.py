"""What every cloud's key service can be asked about a key that signs."""

from __future__ import annotations

import base64
import binascii
import importlib
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from cli import errors
from cli.check.probe import tool_of
from cli.check.tool import NotAskedError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

Answer = TypeVar("Answer")
# Cloud → the module with its `Keys`.
KEYS = {"alicloud": "cli.sign.alicloud", "gcp": "cli.sign.gcp", "azure": "cli.sign.azure"}


class Keys(Protocol):
    """One key and its versions. Reading repeats; each signature is a new one. Raises SignedOutError, NotAskedError."""

    def versions(self) -> list[str]:
        """The versions that can be used, the newest first."""
        ...

    def public_key(self, version: str) -> bytes:
        """The public key of a version, as PEM."""
        ...

    def sign(self, version: str, data: bytes) -> bytes:
        """The signature of `data`: raw for Ed25519, DER for ECDSA."""
        ...


def keys_of(cloud: str, *, key: str, region: str, env: Mapping[str, str]) -> Keys:
    """The key service of a cloud, about the key that a cell's stack names."""
    return importlib.import_module(KEYS[cloud]).Keys(tool_of(cloud, env), key, region)


@contextmanager
def exchange() -> Generator[Path]:
    """A folder of our own for what a tool reads and writes as files; gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="twain-sign-") as place:
        yield Path(place)


def signed(work: Callable[[], bytes]) -> bytes:
    """The answer to a request to sign: whether it was carried out is unknown where none came in time."""
    try:
        return told(work)
    except NotAskedError as error:
        if isinstance(error.__cause__, subprocess.TimeoutExpired):
            message = "the key service was asked to sign and did not answer in time; nothing was written here."
            raise errors.OutcomeUnknownError(message, fix="run the same command again", id="KEY-TIMEOUT") from error
        raise


def told(work: Callable[[], Answer]) -> Answer:
    """What was answered; an answer of another shape than expected is none."""
    try:
        return work()
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, OSError) as error:
        message = f"the key service's answer is not understood ({type(error).__name__})."
        fix = "compare the tool's version with docs/explanation/checks.md"
        raise NotAskedError(message, fix=fix) from error


def decoded(text: str) -> bytes:
    """Base64 as the tools write it: of either alphabet, with or without its padding."""
    plain = text.strip().translate(str.maketrans("-_", "+/"))
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except binascii.Error as error:
        raise ValueError(text) from error
