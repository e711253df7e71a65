"""Export entries: read, checked against each other and against the law's mechanisms, counted against its thresholds.

Engineering notes, not legal advice. The thresholds are those of China's Provisions on Promoting and Regulating
Cross-border Data Flows (Order No. 16 of the Cyberspace Administration of China, in force since 22 March 2024); each
stands with its article, a source and the day on which the source was read. They count persons since 1 January; what
goes under the exemptions of articles 3 to 5(3) and 6 is not counted. Persons of two entries may be the same: the sum is
an upper bound.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from components.errors import Problem, SpecError
from components.policy.model import Permit
from components.spec import dated
from components.spec.exports import load_entries
from components.spec.load import lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import date

    from components.spec.dated import Standing
    from components.spec.exports import ExportEntry

CODE: Final = "SPEC-EXPORT"
HOME: Final[dict[str, str]] = {"cn-personal": "cn", "row-personal": "row"}
# Exemptions whose persons the law does not add up.
UNCOUNTED: Final = frozenset({"3", "4", "5-1", "5-2", "5-3", "6"})
# Article 9: the outcome of an assessment holds for three years.
ASSESSED_YEARS: Final = 3
_EXEMPT, _ASSESSED, _SENSITIVE = 100_000, 1_000_000, 10_000
_READ: Final = "2026-11-21"
_SECURITI: Final = "https://securiti.ai/china-personal-information-protection-law-overview/"
_GUIDANCE: Final = "https://platform.dataguidance.com/news/china-cac-publishes-regulation-promoting-and-regulating"


@dataclass(frozen=True, kw_only=True)
class Threshold:
    """One line that the law draws: from how many persons of a year on, and what is needed from there."""

    id: str
    counts: Literal["persons", "sensitive"]
    at: int
    needs: str
    article: str
    source: str
    read: str = _READ


THRESHOLDS: Final[tuple[Threshold, ...]] = (
    Threshold(id="persons-contract", counts="persons", at=_EXEMPT, article="CAC 2024 art. 5(4), 8", source=_GUIDANCE,
              needs="standard contract or certification"),
    Threshold(id="persons-assessment", counts="persons", at=_ASSESSED, article="CAC 2024 art. 7(2)", source=_SECURITI,
              needs="security assessment"),
    Threshold(id="sensitive-contract", counts="sensitive", at=1, article="CAC 2024 art. 8", source=_SECURITI,
              needs="standard contract or certification"),
    Threshold(id="sensitive-assessment", counts="sensitive", at=_SENSITIVE, article="CAC 2024 art. 7(2)",
              source=_SECURITI, needs="security assessment"),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Filed:
    """An entry and the file that it stands in."""

    path: Path
    entry: ExportEntry


def standing(entry: ExportEntry, today: date) -> Standing:
    """Whether an entry counts on a day."""
    return dated.standing(today, since=entry.since, until=entry.until)


def folder(fleet: str | Path) -> Path:
    """Where a fleet's own entries lie."""
    return Path(fleet).parent / "exports"


def permits(places: Iterable[str | Path], today: date) -> dict[str, Permit]:
    """What the guard needs of the entries of these places. Raises SpecError."""
    return {
        one.entry.id: Permit(
            id=one.entry.id,
            origin=one.entry.origin,
            to=one.entry.to,
            kind=one.entry.kind,
            artefacts=frozenset(one.entry.artefacts),
            standing=standing(one.entry, today),
            since=one.entry.since,
            until=one.entry.until,
        )
        for one in load(places)
    }


def of_fleet(fleet: str | Path, today: date, more: Sequence[str | Path] = ()) -> dict[str, Permit]:
    """The permits of a fleet: those of its own folder where there is one, and of further places."""
    own = folder(fleet)
    return permits([*([own] if own.is_dir() else []), *more], today)


def load(places: Iterable[str | Path]) -> tuple[Filed, ...]:
    """Every entry of these files and folders (`*.yaml`). Raises SpecError with every problem of every file."""
    read, problems = dated.read(places, load_entries, told=_plainer)
    found = tuple(Filed(path=file, entry=one) for file, one in read)
    problems += check(found)
    if problems:
        raise SpecError(problems)
    return found


def _plainer(problem: Problem) -> Problem:
    """What is missing, in words that say why it is asked for."""
    why = {
        "spec.volume": ("an entry without a volume could not be counted against the law's thresholds.",
                        "add volume: {persons: N, sensitive: N}"),
        "spec.until": ("an entry without an end would be a permission for ever.", "add until: YYYY-MM-DD"),
        "spec.mechanism": ("nothing crosses without a mechanism of the law.",
                           "add mechanism: security-assessment, standard-contract, certification or exemption"),
    }  # fmt: skip
    if problem.code != "SPEC-MISSING" or problem.where not in why:
        return problem
    message, fix = why[problem.where]
    return replace(problem, message=message, fix=fix)


def check(filed: Sequence[Filed]) -> list[Problem]:
    """What is wrong about entries beyond their form: each by itself, and against those before it."""
    problems: list[Problem] = []
    for position, one in enumerate(filed):
        problems += [_problem(one, *told) for told in _alone(one.entry)]
        for other in filed[:position]:
            problems += _against(one, other)
    return problems


def _alone(entry: ExportEntry) -> Iterator[tuple[str, str, str, str]]:
    """(place, message, value, fix) of what an entry says against itself or against its mechanism."""
    if HOME[entry.origin] == entry.to:
        yield (
            "spec.to",
            f"{entry.origin} data are at home in {entry.to}: nothing crosses.",
            entry.to,
            "remove the entry",
        )
    if entry.until < entry.since:
        yield "spec.since", f"it ends on {entry.until}, before it begins.", str(entry.since), "correct one of the two"
    if entry.volume.sensitive > entry.volume.persons:
        message = "more persons with sensitive data than persons."
        yield "spec.volume.sensitive", message, str(entry.volume.sensitive), "count them among persons"
    if (entry.mechanism == "exemption") is (entry.article is None):
        message = "an exemption names its article, and nothing else does."
        yield "spec.article", message, entry.article or "", "say article: 5-4 and the like, or take it away"
    if entry.mechanism == "exemption" and entry.important:
        yield "spec.important", "important data have no exemption (art. 5, 7).", "true", "security-assessment"
    if entry.origin == "cn-personal":
        yield from _of_china(entry)
    elif entry.mechanism == "security-assessment":
        message = "a security assessment is a mechanism of China's law, for data that leave China."
        yield "spec.mechanism", message, entry.mechanism, "standard-contract, certification or exemption"


def _of_china(entry: ExportEntry) -> Iterator[tuple[str, str, str, str]]:
    volume, how = entry.volume, entry.mechanism
    if how in ("standard-contract", "certification") and (entry.important or entry.critical_operator):
        message = "important data, and what a critical operator exports, need a security assessment (art. 7)."
        yield "spec.mechanism", message, how, "security-assessment"
    elif how == "exemption" and entry.article == "5-4":
        if entry.critical_operator or volume.sensitive or volume.persons >= _EXEMPT:
            message = (
                "article 5(4) is for fewer than 100,000 persons of a year, none of them with sensitive data, and not "
                "for critical operators."
            )
            yield "spec.article", message, f"{volume.persons} persons, {volume.sensitive} sensitive", _NEXT
    elif how in ("standard-contract", "certification"):
        if volume.persons - volume.sensitive >= _ASSESSED or volume.sensitive >= _SENSITIVE:
            message = "from 1,000,000 persons, or 10,000 with sensitive data, on it needs an assessment (art. 7)."
            yield "spec.mechanism", message, how, "security-assessment"
    elif how == "security-assessment" and entry.until > _years(entry.since, ASSESSED_YEARS):
        message = "the outcome of an assessment holds for three years (art. 9)."
        yield "spec.until", message, str(entry.until), f"until: {_years(entry.since, ASSESSED_YEARS)} at the latest"


_NEXT: Final = "standard-contract or certification; security-assessment from 1,000,000 (10,000 sensitive) on"


def _years(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)


def _against(one: Filed, other: Filed) -> list[Problem]:
    first, second = other.entry, one.entry
    if first.id == second.id:
        message = f"this id is taken by {other.path}."
        return [_problem(one, "metadata.id", message, second.id, "give each entry an id of its own")]
    both = sorted(set(first.artefacts) & set(second.artefacts))
    same = (first.origin, first.to, first.kind) == (second.origin, second.to, second.kind)
    overlap = first.since <= second.until and second.since <= first.until
    if not both or not same or not overlap:
        return []
    message = (
        f"{second.id} and {first.id} ({other.path}) both let {', '.join(both)} into {second.to} on the same days: by "
        f"{second.mechanism} for {second.owner}, by {first.mechanism} for {first.owner}."
    )
    return [
        _problem(one, "spec.artefacts", message, ", ".join(both), "keep one, or let one begin after the other ends")
    ]


def _problem(one: Filed, where: str, message: str, value: str, fix: str) -> Problem:
    known = lines(one.path)
    line = known.get(where) or known.get(where.rpartition(".")[0], 0)
    return Problem(code=CODE, path=str(one.path), where=where, line=line, message=message, value=value, fix=fix)


@dataclass(frozen=True, kw_only=True)
class Count:
    """A threshold against what the entries of a year sum up to. `short` names the entries whose mechanism is less than
    what the sum needs.
    """

    threshold: Threshold
    year: int
    sum: int
    reached: bool
    short: tuple[str, ...]


_ENOUGH: Final[Mapping[str, tuple[str, ...]]] = {
    "security assessment": ("security-assessment",),
    "standard contract or certification": ("security-assessment", "standard-contract", "certification"),
}


def count(entries: Iterable[ExportEntry], year: int) -> tuple[Count, ...]:
    """The entries out of China that touch a year, against each threshold. Persons with sensitive data are counted by
    their own thresholds and not by those of the others.
    """
    counted = [
        one
        for one in entries
        if one.origin == "cn-personal" and one.since.year <= year <= one.until.year and one.article not in UNCOUNTED
    ]
    found: list[Count] = []
    for line in THRESHOLDS:
        sums = {
            one.id: one.volume.sensitive if line.counts == "sensitive" else one.volume.persons - one.volume.sensitive
            for one in counted
        }
        total = sum(sums.values())
        short = [one.id for one in counted if sums[one.id] and one.mechanism not in _ENOUGH[line.needs]]
        reached = total >= line.at
        found.append(
            Count(threshold=line, year=year, sum=total, reached=reached, short=tuple(short) if reached else ())
        )
    return tuple(found)
