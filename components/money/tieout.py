"""Whether what was billed in detail adds up to what the provider asks for."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

from components.money.money import exact_difference, exact_sum, plain

if TYPE_CHECKING:
    from components.money.lake import Manifest

# An invoice is rounded to the cent, the rows to ten decimals: half a cent and a trace is rounding, more is not.
ROUNDING = Decimal("0.0051")

Verdict = Literal["ties", "differs", "no-invoice", "no-bill"]


@dataclass(frozen=True, kw_only=True, slots=True)
class TieOut:
    """One account, month and currency: the invoice total, the sum of the rows, and what lies between them."""

    world: str
    provider: str
    account: str
    period: str
    currency: str
    invoice: Decimal | None
    billed: Decimal | None
    verdict: Verdict
    status: str

    @property
    def difference(self) -> Decimal | None:
        """Invoice minus rows; None where one of them is missing, which is not the same as no difference."""
        if self.invoice is None or self.billed is None:
            return None
        return exact_difference(self.invoice, self.billed)

    def as_json(self) -> dict[str, Any]:
        """Amounts as texts, absent ones null."""
        difference = self.difference
        return {
            "world": self.world,
            "provider": self.provider,
            "month": self.period,
            "currency": self.currency,
            "invoice": None if self.invoice is None else plain(self.invoice),
            "billed": None if self.billed is None else plain(self.billed),
            "difference": None if difference is None else plain(difference),
            "verdict": self.verdict,
            "status": self.status,
        }


def tie_out(manifest: Manifest, period: str) -> list[TieOut]:
    """Every account of the month, in a fixed order: those with bills, and those with an invoice and no bill."""
    billed: dict[tuple[str, str, str, str], list[Decimal]] = {}
    for entry in manifest.current(period):
        for currency, amount in entry.billed.items():
            billed.setdefault((entry.world, entry.provider, entry.account, currency), []).append(Decimal(amount))
    invoices = {(i.world, i.provider, i.account, i.currency): i for i in manifest.invoices if i.period == period}
    rows: list[TieOut] = []
    for key in sorted({*billed, *invoices}):
        invoice = invoices.get(key)
        amount = exact_sum(billed[key]) if key in billed else None
        asked = Decimal(invoice.total) if invoice is not None else None
        world, provider, account, currency = key
        rows.append(
            TieOut(
                world=world,
                provider=provider,
                account=account,
                period=period,
                currency=currency,
                invoice=asked,
                billed=amount,
                verdict=_verdict(asked, amount),
                status=invoice.status if invoice is not None else "unknown",
            )
        )
    return rows


def _verdict(asked: Decimal | None, billed: Decimal | None) -> Verdict:
    if asked is None:
        return "no-invoice"
    if billed is None:
        return "no-bill"
    return "ties" if abs(exact_difference(asked, billed)) <= ROUNDING else "differs"
