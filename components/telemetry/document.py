"""The telemetry contract as a document for a data-protection officer, in English and in Chinese.

Everything in it is read from the contract: a row that is added to the file is a line that is added here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from components.telemetry.contract import Leaf

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from components.telemetry.contract import Contract, RowKind, Shape

Language = Literal["en", "zh"]

_TYPES: dict[str, tuple[str, str]] = {
    "name": ("a short identifier of letters, digits and . _ / -", "由字母、数字和 . _ / - 组成的短标识"),
    "model": ("the name that a model is served under", "模型对外服务的名称"),
    "digest": ("a SHA-256 digest", "SHA-256 摘要"),
    "minor": ("a version of Kubernetes", "Kubernetes 版本号"),
    "time": ("a moment in UTC", "UTC 时刻"),
    "money": ("an amount", "金额"),
    "currency": ("a currency", "币种"),
    "month": ("a month", "月份"),
    "count": ("a whole number", "整数"),
    "number": ("a number", "数值"),
    "cell": ("a cell that the world declares", "该辖区已声明的单元"),
    "maison": (
        "a maison that the fleet names, or `shared` for what belongs to none alone",
        "舰队文件中列明的品牌；不单独属于任何品牌的记为 `shared`",
    ),
    "region": (
        "a region of the clouds' tables, `global`, or `unknown`",
        "云区域表中的区域，或 `global`、`unknown`",
    ),
    "capability": ("an id of the closed list of parity", "对等能力封闭清单中的编号"),
    "gpuClass": ("a class of the table of GPUs, or `unknown`", "GPU 类别表中的类别，或 `unknown`"),
    "gpuCounts": ("numbers by class of GPU", "按 GPU 类别的数量"),
}
_TEXT: dict[str, tuple[str, str]] = {
    "title": ("What may leave a world: telemetry contract {version}", "可以离开辖区的数据：遥测合同 {version}"),
    "notes": (
        "Engineering notes for a data-protection officer; not legal advice.",
        "供数据保护负责人使用的工程说明；不构成法律意见。",
    ),
    "closed": (
        """\
The list is closed. The gate of a world drops and counts everything that is not named here, before anything leaves.
There is no second way: prompts, answers, logs, pods, nodes, single GPUs, names of people and of adapters have no place
in it.""",
        """\
以下为封闭清单。凡未列明者，辖区的闸门在任何数据离开之前予以丢弃并计数。不存在第二条通道：
提示词、回答、日志、Pod、节点、单张 GPU、人名与适配器名称均无位置。""",
    ),
    "declared": (
        """\
Cells and maisons are those that the world declares, capabilities, classes of GPUs and regions those of closed tables. A
row about anything else does not leave, however well its name is formed; the gate notes which field it was, and not what
stood there. Workloads and models bear the names that the operators of that world gave them: no name of a person or a
customer belongs there.""",
        """\
单元与品牌仅限该辖区已声明者；能力编号、GPU 类别与区域仅限封闭表中所列。涉及其他内容的行一律不离开，
无论其名称形式如何规范；闸门只记录是哪个字段，不记录其内容。工作负载与模型使用该辖区运维人员所起的名称：
其中不得出现人名或客户名称。""",
    ),
    "about": ("About", "对象"),
    "labels": ("Says which group it is about", "标明所属分组"),
    "fields": ("Says of the group", "关于该分组的数值"),
    "minimum": (
        "A group of fewer than {least} requests leaves without any value, marked as suppressed.",
        "少于 {least} 次请求的分组不带任何数值离开，并标为“已抑制”。",
    ),
    "words": ("one of {words}", "{words} 之一"),
    "nullable": ("or nothing", "或为空"),
    "whole": ("It holds no figure about requests.", "其中不含关于请求的数值。"),
    "direction": (
        "The same list holds in both directions: from China to the rest of the world, and back.",
        "两个方向适用同一清单：自中国境内至境外，以及反向。",
    ),
}
_SECTIONS: dict[str, tuple[str, str]] = {
    "metrics": ("Figures about use and speed", "用量与速度指标"),
    "cost": ("Money", "费用"),
    "fleet": ("What runs", "运行情况"),
    "parity": ("Guarantees", "保证项"),
}
_ABOUT_ZH: dict[str, str] = {
    "all pods of one workload in one cell, over one window": "一个单元中某一工作负载的全部 Pod，在一个时间窗口内",
    "all GPUs of one class in one cell": "一个单元中某一类别的全部 GPU",
    "one cell, one maison, one billing month and currency": "一个单元、一个品牌、一个账单月份与币种",
    "one workload in one cell": "一个单元中的一个工作负载",
    "one cell": "一个单元",
    "one capability of one cell": "一个单元的一项能力",
}


def render(contract: Contract, language: Language) -> str:
    """The contract as Markdown."""
    at = 0 if language == "en" else 1
    return "\n".join(_lines(contract, at)) + "\n"


def _lines(contract: Contract, at: int) -> Iterator[str]:
    yield f"# {_TEXT['title'][at].format(version=contract.version)}"
    for key in ("notes", "closed", "declared", "direction"):
        yield ""
        yield _TEXT[key][at]
    for section, kinds in contract.sections.items():
        yield ""
        yield f"## {_SECTIONS.get(section, (section, section))[at]} (`{section}`)"
        for kind, row in kinds.items():
            yield ""
            yield f"### `{kind}`"
            yield ""
            yield from _row(row, at)


def _row(row: RowKind, at: int) -> Iterator[str]:
    colon = (": ", "：")[at]
    about = row.aggregation if at == 0 else _ABOUT_ZH.get(row.aggregation, row.aggregation)
    yield f"{_TEXT['about'][at]}{colon}{about}{('.', '。')[at]}"
    yield ""
    yield f"{_TEXT['labels'][at]}{colon}"
    yield ""
    yield from _entries(row.labels, "", at)
    yield ""
    yield f"{_TEXT['fields'][at]}{colon}"
    yield ""
    yield from _entries(row.fields, "", at)
    yield ""
    yield _TEXT["minimum"][at].format(least=row.minimum) if row.minimum_field else _TEXT["whole"][at]


def _entries(shapes: Mapping[str, Shape], prefix: str, at: int) -> Iterator[str]:
    for name, shape in shapes.items():
        if isinstance(shape, Leaf):
            yield f"- `{prefix}{name}`{(': ', '：')[at]}{_leaf(shape, at)}"
        else:
            yield from _entries(shape, f"{prefix}{name}.", at)


def _leaf(leaf: Leaf, at: int) -> str:
    said = _TEXT["words"][at].format(words=", ".join(leaf.words)) if leaf.words else _TYPES[leaf.type][at]
    return (
        f"{said}, {_TEXT['nullable'][at]}"
        if leaf.nullable and at == 0
        else (f"{said}，{_TEXT['nullable'][at]}" if leaf.nullable else said)
    )
