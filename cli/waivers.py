"""Waivers as the command line lists and writes them: files in the fleet's own folder, one each."""

from __future__ import annotations

import contextlib
import os
import re
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli import errors, parity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cli.app import App
    from components.parity.waivers import Filed
    from components.spec.model import Waiver

_ID = re.compile(r"W-(\d{1,9})")


def listed(app: App, asked: parity.Asked) -> list[dict[str, Any]]:
    """Every waiver with how it stands today, those that ran out first. Raises SpecError with every problem."""
    from components.parity import waivers

    today = app.clock.now().date()
    rows = [row(one, today) for one in waivers.load(parity.waiver_places(app, asked))]
    order = ("expired", "active", "future")
    return sorted(rows, key=lambda one: (order.index(one["state"]), one["until"], one["id"]))


def row(filed: Filed, today: date) -> dict[str, Any]:
    """One waiver as an item."""
    from components.parity import waivers

    one = filed.waiver
    return {
        "id": one.id,
        "capability": one.capability,
        "cells": list(one.cells),
        "owner": one.owner,
        "reason": one.reason,
        "since": one.since.isoformat() if one.since else None,
        "until": one.until.isoformat(),
        "value": one.value,
        "state": waivers.standing(one, today),
        "daysLeft": max((one.until - today).days + 1, 0),
        "file": str(filed.path),
    }


def draft(
    app: App,
    capability: str,
    *,
    cells: Sequence[str],
    fields: dict[str, str | None],
    asked: parity.Asked,
) -> tuple[Filed, bool]:
    """The waiver that is to be written, and whether it stands there already. All that is wrong is told at once.

    Raises SpecError for waivers that are there and wrong, UsageError and Several for what was asked.
    """
    from components.parity import waivers

    found: list[errors.TwainError] = list(_missing(capability, cells, fields))
    try:
        folder = folder_of(app, asked)
    except errors.UsageError as error:
        found.append(error)
        folder = None
    until, since = (_day(fields, name, found) for name in ("until", "since"))
    today = app.clock.now().date()
    if until is not None and until < today:
        message = f"--until {until} has passed, so the waiver would never count."
        found.append(errors.UsageError(message, fix="give a day to come", id="PAR-UNTIL"))
    _known_cells(app, cells, found)
    if found or until is None or folder is None:
        raise found[0] if len(found) == 1 else errors.Several(found)
    there = waivers.load([place for place in (parity.own_folder(app, None), folder) if place and place.is_dir()])
    waiver = _waiver(capability, cells, fields, until=until, since=since, taken=[one.waiver.id for one in there])
    same = [one for one in there if _says(one.waiver) == _says(waiver)]
    if same:
        return same[0], True
    filed = waivers.Filed(path=folder / f"{waiver.id}.yaml", waiver=waiver)
    problems = waivers.check([*there, filed])
    if problems:
        from components.errors import SpecError

        raise SpecError(problems)
    return filed, False


def folder_of(app: App, asked: parity.Asked) -> Path:
    """Where a new waiver is put. Raises UsageError for a file, or where no fleet says where."""
    place = Path(asked.waivers[0]) if asked.waivers else parity.own_folder(app, None)
    if place is None:
        message = "there is no context, so it is not known where the fleet's waivers are."
        raise errors.UsageError(message, fix="name a folder with --waivers", id="CFG-NOCONTEXT")
    if place.exists() and not place.is_dir():
        message = f"{place} is no folder; each waiver is a file of its own."
        raise errors.UsageError(message, fix="name a folder with --waivers", id="PAR-FOLDER")
    return place


def write(filed: Filed) -> None:
    """Write the file whole or not at all, and never over another. Raises UsageError when its name is taken."""
    from components.parity import waivers

    filed.path.parent.mkdir(parents=True, exist_ok=True)
    temporary = filed.path.with_suffix(f".tmp{os.getpid()}")
    try:
        temporary.write_text(waivers.text(filed.waiver), encoding="utf-8")
        os.link(temporary, filed.path)
    except FileExistsError as error:
        message = f"{filed.path} is there already."
        raise errors.UsageError(message, fix="choose another --id", id="PAR-EXISTS") from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def _missing(capability: str, cells: Sequence[str], fields: dict[str, str | None]) -> list[errors.TwainError]:
    from components.parity.capabilities import by_id

    found: list[errors.TwainError] = []
    if by_id(capability) is None:
        found.append(no_capability(capability))
    why = {
        "until": "a waiver without an end would be a permission for ever",
        "owner": "somebody has to answer for the difference",
        "reason": "who reads it in a year has to understand it",
    }
    found += [
        errors.UsageError(f"--{name} is missing: {told}.", fix=f"add --{name}", id=f"PAR-{name.upper()}")
        for name, told in why.items()
        if not fields.get(name)
    ]
    if not cells:
        message = "--cell is missing: a waiver names the cells that may differ."
        found.append(errors.UsageError(message, fix="add --cell NAME, once per cell", id="PAR-CELL"))
    reason = fields.get("reason")
    if reason and len(reason) < 10:
        message = f"--reason is too short to be one: {reason!r}."
        found.append(errors.UsageError(message, fix="say in a sentence why the cells differ", id="PAR-REASON"))
    return found


def no_capability(name: str) -> errors.NotFoundError:
    """The error for an id that the list does not have, with the nearest that it has."""
    import difflib

    from components.parity.capabilities import IDS

    near = difflib.get_close_matches(name, IDS, n=3)
    fix = f"did you mean {' or '.join(near)}?" if near else "twain parity explain lists them"
    return errors.NotFoundError(f"there is no capability {name!r}.", fix=fix, id="PAR-404")


def _day(fields: dict[str, str | None], name: str, found: list[errors.TwainError]) -> date | None:
    text = fields.get(name)
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        message = f"--{name} {text!r} is no day."
        found.append(errors.UsageError(message, fix="write it as YYYY-MM-DD", id=f"PAR-{name.upper()}"))
        return None


def _known_cells(app: App, cells: Sequence[str], found: list[errors.TwainError]) -> None:
    if parity.own_folder(app, None) is None:
        return
    for name in cells:
        try:
            app.fleet.cell(name)
        except errors.NotFoundError as error:
            found.append(errors.UsageError(error.message, fix=error.fix, id=error.id))


def _waiver(
    capability: str,
    cells: Sequence[str],
    fields: dict[str, str | None],
    *,
    until: date,
    since: date | None,
    taken: Sequence[str],
) -> Waiver:
    from pydantic import ValidationError

    from components.spec.model import Waiver

    numbers = [int(match[1]) for one in taken if (match := _ID.fullmatch(one))]
    try:
        return Waiver(
            id=fields.get("id") or f"W-{max(numbers, default=0) + 1}",
            capability=capability,
            cells=tuple(dict.fromkeys(cells)),
            owner=fields.get("owner") or "",
            reason=fields.get("reason") or "",
            since=since,
            until=until,
            value=fields.get("value"),
        )
    except ValidationError as error:
        found = [
            errors.UsageError(f"--{one['loc'][0]} is not usable: {one['msg']}.", id="PAR-FIELD")
            for one in error.errors(include_url=False)
        ]
        raise found[0] if len(found) == 1 else errors.Several(found) from error


def _says(waiver: Waiver) -> tuple[object, ...]:
    """What a waiver says, whatever it is called."""
    return (sorted(waiver.cells), waiver.model_dump(exclude={"id", "cells"}))
