"""Exit codes and their order."""

from __future__ import annotations

import itertools

import pytest

from cli import errors

DESIGN_ORDER = (5, 2, 3, 14, 16, 15, 4, 13, 9, 12, 11, 10)


def test_the_first_that_applies_of_the_designs_list_wins_in_every_pair() -> None:
    for first, second in itertools.combinations(DESIGN_ORDER, 2):
        assert errors.worst([first, second]) == first
        assert errors.worst([second, 0, first]) == first


def test_no_error_is_zero_and_a_bug_beats_all() -> None:
    assert errors.worst([]) == 0
    assert errors.worst([0, 0]) == 0
    assert errors.worst([5, 255, 2]) == 255
    assert errors.worst([77]) == 1


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (errors.UsageError, 2),
        (errors.AuthError, 3),
        (errors.ResourceError, 4),
        (errors.PolicyError, 5),
        (errors.NotFoundError, 6),
        (errors.NoChangesError, 7),
        (errors.CancelledByUserError, 8),
        (errors.DeadlineError, 9),
        (errors.DifferencesError, 10),
        (errors.SloMissedError, 11),
        (errors.BudgetError, 12),
        (errors.PartialError, 13),
        (errors.LockHeldError, 14),
        (errors.RolledBackError, 15),
        (errors.OutcomeUnknownError, 16),
    ],
)
def test_each_error_has_the_code_of_the_design(kind: type[errors.TwainError], code: int) -> None:
    assert errors.exit_code(kind("x")) == code
    assert errors.of_code(code).code == code
    assert code in errors.MEANINGS


def test_several_errors_are_flat_and_end_with_the_worst() -> None:
    inner = errors.Several([errors.ResourceError("a"), errors.PolicyError("b")])
    outer = errors.Several([inner, errors.UsageError("c")])
    assert [error.message for error in errors.flatten([outer])] == ["a", "b", "c"]
    assert errors.exit_code(outer) == 5
