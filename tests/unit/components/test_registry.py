"""The registry finds an implementation by name, loads one SDK, and says which extra is missing."""

from __future__ import annotations

import importlib
import importlib.util
import sys

import pytest

from components import registry
from components.errors import NotSupportedError


def test_each_component_is_found_on_each_cloud_under_its_own_class() -> None:
    for (component, cloud), place in registry.TABLE.items():
        module, _, name = place.partition(":")
        assert module == f"components.{component}.{cloud}"
        assert importlib.util.find_spec(module) is not None
        assert name == "declare" or name.lower().startswith(cloud)


@pytest.mark.parametrize(("component", "cloud"), [("cluster", "aws"), ("lake", "gcp")])
def test_what_does_not_exist_is_refused_with_what_does(component: str, cloud: str) -> None:
    with pytest.raises(NotSupportedError, match=r"components: network.*clouds: alicloud"):
        registry.resolve(component, cloud)


def test_a_missing_sdk_is_answered_with_the_extra_that_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pulumi_gcp", None)
    monkeypatch.delitem(sys.modules, "components.bucket.gcp", raising=False)
    with pytest.raises(NotSupportedError, match=r"twain\[gcp\]"):
        registry.resolve("bucket", "gcp")


def test_another_missing_module_is_not_taken_for_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(name: str) -> None:
        raise ModuleNotFoundError(name, name="components.bucket.typo")

    monkeypatch.setattr(importlib, "import_module", broken)
    with pytest.raises(ModuleNotFoundError):
        registry.resolve("bucket", "gcp")
