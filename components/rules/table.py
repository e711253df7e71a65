"""The table itself: the rules of a resource type by its token, one cloud loaded at a time. A version of an API in the
token hides no type.
"""

from __future__ import annotations

import functools
import importlib
from typing import TYPE_CHECKING, Final

from components.clouds import tokens

if TYPE_CHECKING:
    from collections.abc import Mapping

    from components.rules.model import TypeRules

# The engine's package -> the folder here.
FOLDERS: Final[Mapping[str, str]] = {"alicloud": "alicloud", "azure-native": "azure", "gcp": "gcp"}
# Types whose inputs are judged elsewhere, and where.
ELSEWHERE: Final[Mapping[str, str]] = {
    "kubernetes": "the API server of the cell judges an object by its own schema, and our admission policies",
    "pulumi": "the engine's own: stacks, providers' configuration",
    "twain": "our components, which hold resources and are none",
}


@functools.cache
def of_package(package: str) -> Mapping[str, TypeRules]:
    """Every type of a cloud's package; empty for a package that is no cloud's."""
    folder = FOLDERS.get(package)
    if folder is None:
        return {}
    module = importlib.import_module(f"components.rules.{folder}")
    found: tuple[TypeRules, ...] = module.TYPES
    return {one.type_name: one for one in found}


def of_type(token: str) -> TypeRules | None:
    """The rules of a type such as `gcp:storage/bucket:Bucket`, or None where the table has none."""
    name = tokens.plain(token)
    return of_package(name.split(":", 1)[0]).get(name)
