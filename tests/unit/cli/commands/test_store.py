"""What `twain store` refuses before any cloud is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest


def test_a_cell_must_be_named(operator: Any) -> None:
    ran = operator.twain("store", "restore-test")
    assert ran.code == 2
    assert "--cell" in ran.err


def test_every_cell_that_is_wrong_is_told_at_once(operator: Any) -> None:
    ran = operator.twain("store", "restore-test", "--cell", "cn-sha-1", "--cell", "eu-ams-1", "--cell", "nowhere", "-y")
    assert ran.code == 5
    assert "nowhere" in ran.err
    assert "its account's sign-in is not here" in ran.err


def test_the_help_says_what_is_measured_and_that_the_original_is_left_alone(
    operator: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert operator.twain("store", "restore-test", "--help").code == 0
    shown = capsys.readouterr().out
    for word in ("RPO", "RTO", "measured", "declared", "unknown", "Never touches the original"):
        assert word in shown
