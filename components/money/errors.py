"""What can go wrong with money, named for who must act."""

from __future__ import annotations

from components.errors import TwainLibraryError


class MoneyError(TwainLibraryError):
    """Base of the money errors."""


class CurrencyMismatchError(MoneyError):
    """Two currencies met without a dated rate. A fault in the calling code, never in the data."""


class RateFileError(MoneyError):
    """A file of exchange rates is wrong; carries every fault with its line."""

    def __init__(self, faults: list[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(faults))


class BillFileError(MoneyError):
    """A bill file is partial, corrupt or not what its provider writes. Names the file and, where known, the row.

    `row` counts data rows from 1 (the header is not counted); None when the whole file is at fault.
    """

    def __init__(self, path: str, message: str, *, row: int | None = None) -> None:
        self.path = path
        self.row = row
        place = path if row is None else f"{path}, row {row}"
        super().__init__(f"{place}: {message}")


class LockedPeriodError(MoneyError):
    """A closed month was asked to change. Corrections arrive in a later month with ChargeClass Correction."""


class LakeError(MoneyError):
    """The lake's own record and its files disagree."""
