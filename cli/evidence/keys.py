"""Who signs evidence: a key in a file, or a cell's own key, which stays where the cloud keeps it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from cli import errors
from cli.evidence import dsse

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cli.app import App
    from cli.evidence.dsse import PublicKey
    from cli.sign.model import Keys

# Versions of a key that were published and may have signed what is verified now.
_MOST = 20


@dataclass(frozen=True, kw_only=True)
class Signer:
    """A public key, where its private half is `held`, and what makes a signature with that half."""

    key: PublicKey
    held: str
    sign: Callable[[bytes], bytes]

    def told(self) -> dict[str, str]:
        """What a statement says of its signature."""
        return {"algorithm": dsse.algorithm(self.key), "keyid": dsse.key_id(self.key), "held": self.held}


def of_file(path: Path) -> Signer:
    """The key of a file. Raises UsageError."""
    key = dsse.read_private(path)
    return Signer(key=key.public_key(), held="a file", sign=key.sign)


def of_cell(app: App, name: str) -> Signer:
    """A cell's own key in its newest version. Raises PolicyError for another world's cell, NotFoundError where the
    cell is not up or has none, NotAskedError and SignedOutError where its key service cannot be asked.
    """
    from cli.sign import model

    keys = _keys(app, name)
    version = _versions(keys, name)[0]
    app.console.note(f"asking the key service of {name} for a signature")
    return Signer(
        key=_public(keys, version),
        held=f"the key service of cell {name}",
        sign=lambda data: model.signed(partial(keys.sign, version, data)),
    )


def published(app: App, name: str) -> list[PublicKey]:
    """The public keys of a cell, the newest first. Raises as `of_cell`."""
    keys = _keys(app, name)
    return [_public(keys, version) for version in _versions(keys, name)[:_MOST]]


def _versions(keys: Keys, name: str) -> list[str]:
    from cli.sign import model

    found = model.told(keys.versions)
    if not found:
        message = f"the signing key of cell {name} has no version that can be used."
        raise errors.NotFoundError(message, fix="enable one, or sign with a file: --key FILE", where=name, id="KEY-404")
    return found


def _public(keys: Keys, version: str) -> PublicKey:
    from cli.sign import model

    return model.told(lambda: dsse.parsed(keys.public_key(version)))


def _keys(app: App, name: str) -> Keys:
    from cli import stacks
    from cli.check.run import own_only
    from cli.engine import stack_name
    from cli.kube.kubeconfig import plugin_environment
    from cli.sign.model import keys_of

    cell = app.fleet.cell(name)
    own_only(app, cell)
    stack = stacks.named(app, stack_name(app.fleet.name, name, "infra"))
    key = app.engine.outputs(stack.name).get("signing_key")
    if not key:
        message = f"cell {name} has no key that signs."
        fix = f"twain stack up --cell {name}; on alicloud the fleet names a kms_instance; or use a file: --key FILE"
        raise errors.NotFoundError(message, fix=fix, where=name, id="KEY-404")
    return keys_of(cell.cloud, key=str(key), region=cell.region, env=plugin_environment(app.context.env, {}))
