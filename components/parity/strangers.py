"""Plans and states that twain did not make: `pulumi preview --json`, `pulumi stack export`, and the planner's own.

A plan is read whole or refused: one that leaves resources out would make a cell look as if it had less. Nothing of a
file is printed but types, names and the words of capabilities.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.errors import Problem, SpecError
from components.parity import state
from components.policy import previews

if TYPE_CHECKING:
    from collections.abc import Mapping

# A plan of 50,000 resources is some 100 MiB.
MAX_BYTES = 512 << 20
_NAME = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, kw_only=True)
class Stranger:
    """A plan or a state out of a file. `cloud` is None where it holds Kubernetes objects only."""

    name: str
    path: Path
    cloud: str | None
    resources: tuple[Mapping[str, Any], ...]


def read(path: str | Path, *, name: str | None = None) -> Stranger:
    """Read a file. Raises SpecError with what is wrong: not there, too large, not JSON, no plan, not whole, of two
    clouds, empty.
    """
    file = Path(path)
    document = _document(file)
    rows = _rows(file, document)
    clouds = state.clouds_of(rows)
    kubernetes = any(str(row.get("type", "")).startswith("kubernetes:") for row in rows)
    if len(clouds) > 1:
        message = f"it has resources of {' and '.join(clouds)}; parity compares cells, and a cell lies on one cloud."
        raise _error(file, "PLAN-CLOUDS", message, "make a plan per cell, one stack each")
    if not clouds and not kubernetes:
        message = "it has no resource of alicloud, gcp, azure-native or kubernetes, so it guarantees nothing."
        raise _error(file, "PLAN-EMPTY", message, "give a plan of a cluster and what belongs to it")
    return Stranger(name=name or name_of(file), path=file, cloud=clouds[0] if clouds else None, resources=tuple(rows))


def name_of(path: Path) -> str:
    """What a cell out of a file is called, so that a waiver can name it."""
    plain = _NAME.sub("-", path.stem.lower()).strip("-")
    named = plain if plain[:1].isalpha() else f"plan-{plain}"
    return named[:20].rstrip("-")


def _document(file: Path) -> dict[str, Any]:
    try:
        if not file.is_file():
            raise _error(file, "PLAN-FILE", "there is no such regular file.", "give the path of a plan in JSON")
        if file.stat().st_size > MAX_BYTES:
            raise _error(file, "PLAN-SIZE", f"the file is larger than {MAX_BYTES >> 20} MiB.", "make a plan per cell")
        document = json.loads(file.read_bytes().decode("utf-8"))
    except OSError as error:
        raise _error(file, "PLAN-FILE", f"the file cannot be read: {error.strerror}.", "check its mode") from error
    except UnicodeDecodeError as error:
        raise _error(file, "PLAN-UTF8", f"the file is not UTF-8: byte {error.start}.", "save it as UTF-8") from error
    except json.JSONDecodeError as error:
        message = f"this is not JSON, or it ends too early: {error.msg}."
        raise _error(file, "PLAN-JSON", message, f"write it again: {previews.WHOLE}", error.lineno) from error
    except RecursionError as error:
        raise _error(file, "PLAN-DEPTH", "it is nested too deep to be a plan.", "write it again") from error
    if not isinstance(document, dict):
        raise _form(file)
    return document


def _rows(file: Path, document: dict[str, Any]) -> list[dict[str, Any]]:
    """The resources that are, or will be, there."""
    deployment = document.get("deployment")
    if isinstance(deployment, dict):
        # An empty stack has no list of resources.
        return _resources(file, deployment.get("resources") or [])
    if isinstance(document.get("steps"), list):
        return _steps(file, document)
    if "resources" in document:
        return _resources(file, document["resources"])
    raise _form(file)


def _resources(file: Path, rows: object) -> list[dict[str, Any]]:
    if not isinstance(rows, list) or any(not _is_resource(row) for row in rows):
        raise _form(file)
    return [_external(row) for row in rows if not row.get("delete")]


def _steps(file: Path, document: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    same = 0
    for step in document["steps"]:
        if not isinstance(step, dict) or not isinstance(step.get("op"), str):
            raise _form(file)
        same += step["op"] == "same"
        new = step.get("newState")
        if previews.has_no_state(step["op"], state=new is not None):
            raise _form(file)
        if step["op"] in previews.GONE or new is None:
            continue
        if not _is_resource(new):
            raise _form(file)
        found.append(_external(new))
    message = previews.left_out(document.get("changeSummary"), same)
    if message is not None:
        raise _error(file, "PLAN-SAMES", message, previews.WHOLE)
    return found


def _is_resource(row: object) -> bool:
    if not isinstance(row, dict) or not isinstance(row.get("type"), str):
        return False
    return isinstance(row.get("inputs", {}) or {}, dict)


def _external(row: dict[str, Any]) -> dict[str, Any]:
    """A resource that the program only reads has no inputs of its own: what the cloud answered stands for them."""
    return {**row, "inputs": row.get("outputs") or {}} if row.get("external") else row


def _form(file: Path) -> SpecError:
    message = "this is no plan: neither the steps of a preview nor the resources of a state."
    return _error(file, "PLAN-FORM", message, previews.WHOLE)


def _error(file: Path, code: str, message: str, fix: str, line: int = 0) -> SpecError:
    return SpecError([Problem(code=code, path=str(file), where="", line=line, message=message, fix=fix)])
