"""Rules over a fleet about what its clouds are asked to watch and to forbid: budgets, organisations' guard rails;
and about the models that they serve.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from components.clouds import gpu, hosted
from components.clouds.budgets import BUDGETS
from components.clouds.organisations import NODES
from components.errors import Problem
from components.policy import hosts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from components.spec.model import Cell, Fleet, World


# The least that a budget watches, the digits of an amount before its point, the characters of a deployment's name.
CENT: Final = Decimal("0.01")
DIGITS: Final = 15
_SHORTEST: Final = 2


def budget(fleet: Fleet, cell: Cell, path: str, where: str) -> Iterator[Problem]:
    """A budget that the cell's cloud can watch: it has budgets, and all amounts are in the currency of the account."""
    asked = cell.budget
    if asked is None:
        return

    def problem(field: str, message: str, value: str, fix: str) -> Problem:
        place = f"{where}.budget{'.' if field else ''}{field}"
        text = f"cell {cell.name}: {message}"
        return Problem(code="SPEC-BUDGET", path=path, where=place, line=0, message=text, value=value, fix=fix)

    known = BUDGETS.get(cell.cloud)
    if known is None:
        message = f"{cell.cloud} has no budgets that a program could declare."
        yield problem("", message, asked.currency, "remove it; the cost report compares the bill")
        return
    if known.account is not None and not known.account.fullmatch(asked.account):
        message = f"{cell.cloud} asks for the billing account."
        yield problem("account", message, asked.account, "name it as 012345-6789AB-CDEF01")
    if known.account is None and asked.account:
        message = f"{cell.cloud} takes the account that the cell lies in."
        yield problem("account", message, asked.account, "remove it")
    if not known.alerts.fullmatch(asked.alerts):
        message = f"{cell.cloud} knows no such object to alert."
        yield problem("alerts", message, asked.alerts, f"use {known.alerts_words}")
    others = sorted({maison.budget.currency for maison in fleet.maisons} - {asked.currency})
    if others:
        message = (
            f"it is billed in {asked.currency}, and there are budgets in {', '.join(others)}; amounts of two "
            "currencies have no sum without a dated rate."
        )
        yield problem("currency", message, asked.currency, "agree the maisons' budgets in it, or remove the budget")
    whole = sum((maison.budget.amount for maison in fleet.maisons), Decimal(0))
    if not others and not fleet.maisons:
        yield problem("", "the maisons' budgets come to nothing.", "0", "give a maison a budget, or remove this one")
    elif not others and whole * asked.percent / 100 < CENT:
        message = f"its part of the maisons' budgets, {whole} {asked.currency}, comes to less than {CENT}."
        yield problem(
            "percent", message, str(asked.percent), "raise it, raise the maisons' budgets, or remove this one"
        )


def amounts(fleet: Fleet, path: str) -> Iterator[Problem]:
    """Amounts that all clouds can watch, and their sum as well."""
    for index, maison in enumerate(fleet.maisons):
        if maison.budget.amount >= Decimal(10) ** DIGITS:
            yield Problem(
                code="SPEC-BUDGET", path=path, where=f"spec.maisons[{index}].budget.amount", line=0,
                message=f"maison {maison.name}: an amount has {DIGITS} digits before its point at most; the clouds "
                "watch 18 of the sum.", value=str(maison.budget.amount), fix="write a smaller amount",
            )  # fmt: skip


def guard_rails(fleet: Fleet, world: World, path: str) -> Iterator[Problem]:
    """A node is one of its cloud, some cell of the world is there to declare it, and no other world has it."""

    def problem(cloud: str, node: str, message: str, fix: str) -> Problem:
        place = f"spec.worlds.{world.name}.guard_rails.{cloud}"
        return Problem(code="SPEC-GUARD", path=path, where=place, line=0, message=message, value=node, fix=fix)

    for cloud, node in world.guard_rails.items():
        if not NODES[cloud].pattern.fullmatch(node):
            message = f"{node!r} is no place of {cloud} to attach a guard rail to."
            yield problem(cloud, node, message, f"use {NODES[cloud].words}")
        if all((cell.world, cell.cloud) != (world.name, cloud) for cell in fleet.cells):
            message = f"world {world.name} has no cell on {cloud}, so nothing would declare its guard rail."
            yield problem(cloud, node, message, "remove it, or add a cell")
        others = [one.name for one in fleet.worlds.values() if one is not world and one.guard_rails.get(cloud) == node]
        if others:
            message = f"{node} is named by world {', '.join(others)} too; each would forbid the other's regions."
            yield problem(cloud, node, message, "name a folder of each world's own")


def told(world: World, path: str) -> Iterator[Problem]:
    """Each receiver of alerts has a name of its own; these, and the store of metrics, lie inside the world."""
    inside = hosts.receivers(world.name, frozenset(world.regions))
    named = [one.name for one in world.alerts]
    addresses = [
        (f"alerts[{index}]", f"receiver {one.name} is told of alerts", one.url)
        for index, one in enumerate(world.alerts)
    ]
    if world.remote_write is not None:
        addresses.append(("remote_write", "metrics are written there", world.remote_write.url))
    for field, what, url in addresses:
        if not hosts.inside(inside, url):
            yield Problem(
                code="RES-014", path=path, where=f"spec.worlds.{world.name}.{field}.url", line=0,
                message=f"{what}, and {hosts.why(hosts.host_of(url), world.name)}", value=url,
                fix=f"use an address of the cells' own network, or an endpoint of {', '.join(world.regions)}",
            )  # fmt: skip
    for index, one in enumerate(world.alerts):
        where = f"spec.worlds.{world.name}.alerts[{index}]"
        if one.name in named[:index] or one.name == "nobody":
            message = f"world {world.name} has a receiver {one.name} already."
            yield Problem(
                code="SPEC-ALERT", path=path, where=f"{where}.name", line=0, message=message, value=one.name,
                fix="name each receiver once",
            )  # fmt: skip


def hosted_model(fleet: Fleet, cell: Cell, path: str, where: str) -> Iterator[Problem]:
    """A model that the cell's cloud can be told to serve by a program, and all that it takes there."""
    model = fleet.resolved(cell.name).template.ai_platform.model
    if model is None:
        return

    def problem(field: str, message: str, value: str, fix: str) -> Problem:
        place = f"{where}.template.ai_platform.model{'.' if field else ''}{field}"
        text = f"cell {cell.name}: {message}"
        return Problem(code="SPEC-AI", path=path, where=place, line=0, message=text, value=value, fix=fix)

    how = hosted.SERVES.get(cell.cloud)
    if how is None:
        message = f"{cell.cloud} has no resource that serves a model; its API puts one onto the cell's endpoint."
        yield problem("", message, model.name, "leave the model out for this cell")
    elif how == "catalogue":
        if len(model.name) < _SHORTEST:
            message = f"{cell.cloud} names what it serves with {_SHORTEST} characters at least."
            yield problem("name", message, model.name, "write the name as the catalogue has it, for instance gpt-4o")
        if not model.publisher:
            message = f"{cell.cloud} serves models of its catalogue, which are found by their publisher too."
            yield problem("publisher", message, "", "name it, for instance OpenAI")
        if model.gpu_class:
            message = f"{cell.cloud} serves models of its catalogue on machines that nobody chooses."
            yield problem("gpu_class", message, model.gpu_class, "remove it")
    else:
        if gpu.machine(cell.cloud, cell.region, model.gpu_class, 1) is None:
            known = model.gpu_class in gpu.CLASSES
            places = gpu.regions_of(cell.cloud, model.gpu_class, 1) if known else tuple(sorted(gpu.CLASSES))
            message = (
                f"no machine of {cell.cloud} with one GPU of class {model.gpu_class!r} is offered in {cell.region}."
            )
            yield problem(
                "gpu_class", message, model.gpu_class, f"{'offered in' if known else 'use one of'}: {', '.join(places)}"
            )
        if model.publisher:
            message = f"{cell.cloud} serves an image of the cell's registry."
            yield problem("publisher", message, model.publisher, "remove it")
