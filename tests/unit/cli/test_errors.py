"""Exit codes and their order."""

from __future__ import annotations

import errno
import itertools
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cli import errors, failures, files

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


def test_a_full_disk_is_no_bug_wherever_it_shows() -> None:
    for number in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
        found = failures.translate(OSError(number, os.strerror(number), "/somewhere"))
        assert found is not None
        assert (found.code, found.id) == (4, "DSK-001")
        assert "/somewhere" in found.message
    assert failures.translate(OSError(errno.EINVAL, "no")) is None


def test_standard_output_that_takes_nothing_ends_with_4() -> None:
    command = [sys.executable, "-m", "cli.main", "gpu", "classes"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    assert (done.returncode, "DSK-001" in done.stderr) == (4, True), done.stderr


def test_a_home_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(errors.ResourceError, match="cannot be made"):
        files.private_dir(tmp_path / "file" / "home")
