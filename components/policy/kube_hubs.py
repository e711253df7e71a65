"""RES-020 and RES-017 of programs that are no engines: what they fetch from hubs by a name, and whom they report to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.policy import hosts, kube, kube_pods
from components.policy.model import Check, Subject, violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from components.policy.model import Violation

_SPACE = hosts.SPACE
_WORD = r"(?:^|[ \t\r\n;&|(/\x22\x27])"
# The command line and the library of the hub.
FETCHING = (
    rf"{_WORD}(?:huggingface-cli|hf){_SPACE}+(?:download|upload|upload-large-folder|snapshot){_SPACE}"
    r"|\bhuggingface_hub\b|\bsnapshot_download\(|\bhf_hub_download\("
)
OF_MODELSCOPE = r"\bmodelscope\b"
# Flags of trainers and converters whose value is a model, a tokenizer or a set of data.
TRAINED = (
    rf"(?:^|{_SPACE})--(?:(?:pretrained[-_])?model[-_]name[-_]or[-_]path|base[-_]model|dataset[-_]name|tokenizer[-_]name)"
    rf"(?:=|{_SPACE}+)[\x22\x27]?"
)
REPORTS = (
    rf"(?:^|{_SPACE})--(?:report[-_]to|logger|log[-_]with|tracker)(?:=|{_SPACE}+)[\x22\x27]?"
    r"(?:wandb|comet(?:_ml)?|neptune|clearml|all)\b"
)
_AT_HUB = hosts.compiled(TRAINED + kube_pods.REPOSITORY)
_ELSEWHERE = hosts.compiled(r"^(?:HF_ENDPOINT|USE_MODELSCOPE_HUB|VLLM_USE_MODELSCOPE)$")
_OFFLINE = hosts.compiled(r"^(?:WANDB_MODE|WANDB_BASE_URL|WANDB_DISABLED|COMET_MODE)$")


def fetched(subject: Subject) -> Iterator[Violation]:
    """RES-020: in China nothing is asked of a hub outside. A variable that names another hub is judged itself."""
    for container in kube.containers(subject) if subject.world == "cn" else ():
        names = [name for _, name, _ in container.env()]
        if any(map(_ELSEWHERE.match, names)) or kube_pods.is_on(container, "HF_HUB_OFFLINE"):
            continue
        words = container.words()
        found = hosts.compiled(FETCHING).search(words)
        if found is not None and not hosts.compiled(OF_MODELSCOPE).search(words):
            yield _asked(subject, f"{container.path}.args", found.group().strip(" ;&|(/\"'\t\r\n"))
        named = _AT_HUB.search(words)
        if named is not None and not kube_pods.is_engine(container):
            yield _asked(subject, f"{container.path}.args", named.group().split("=")[-1].split()[-1].strip("\"'"))


def _asked(subject: Subject, path: str, shown: str) -> Violation:
    reason = "it is looked up at the hub, and no variable names another one or says offline."
    return violation(subject, "RES-020", path, shown[:120], reason, allowed="a path, HF_ENDPOINT, or offline")


def reported(subject: Subject) -> Iterator[Violation]:
    """RES-017: in China no training is reported to somebody's service."""
    for container in kube.containers(subject) if subject.world == "cn" else ():
        found = hosts.compiled(REPORTS).search(container.words())
        if found is not None and not any(_OFFLINE.match(name) for _, name, _ in container.env()):
            reason = "runs would be reported to their makers' service, with figures and examples."
            shown, path = found.group().strip(), f"{container.path}.args"
            yield violation(subject, "RES-017", path, shown, reason, allowed="none, or a server of the cell")


CHECKS: tuple[Check, ...] = (
    Check(rules=("RES-020",), run=fetched, pods=True),
    Check(rules=("RES-017",), run=reported, pods=True),
)
