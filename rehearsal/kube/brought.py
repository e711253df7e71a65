"""What the inputs of an emulated cluster bring into it beside Kubernetes itself, as the real cloud's add-ons do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Brought:
    """`definitions` are the API groups whose CustomResourceDefinitions come with the cluster, `gateway_class` the class
    of Gateways that a controller of the cloud serves: empty where nobody does.
    """

    definitions: tuple[str, ...] = ()
    gateway_class: str = ""


NOTHING = Brought()


def files(groups: Iterable[str], known: Iterable[Path]) -> list[Path]:
    """The files that hold the definitions of these API groups: they are named GROUP_PLURAL.yaml."""
    wanted = frozenset(groups)
    return [path for path in known if path.name.partition("_")[0] in wanted]
