"""The Kubernetes client: retries that are safe, tokens renewed, errors that name the cause, watches without gaps."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from cli import errors
from cli.kube import kinds
from cli.kube.client import ApiError, ConflictError, KubeClient, MissingError
from cli.net.http import Deadline, HttpClient

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

PODS = "/api/v1/namespaces/n/pods"


class Tokens:
    """Gives a1 first and a2 when asked for a fresh one."""

    def __init__(self) -> None:
        self.asked: list[bool] = []

    async def get(self, *, fresh: bool = False) -> str:
        self.asked.append(fresh)
        return "a2" if any(self.asked) else "a1"


def using(api: Any, work: Callable[[KubeClient], Awaitable[Any]], *, timeout: float = 5.0) -> Any:
    async def run() -> Any:
        async with KubeClient("eu-ams-1", HttpClient(api.url), Tokens(), timeout) as kube:
            return await work(kube)

    return asyncio.run(run())


def times(count: int, answer: Any) -> Callable[[Any], Any]:
    """A rule that answers so the first few times."""
    left = [count]

    def rule(_request: Any) -> Any:
        left[0] -= 1
        return answer if left[0] >= 0 else None

    return rule


def test_a_401_renews_the_token_once(api: Any, status: Any) -> None:
    api.answers.append(
        lambda r: status(401, "Unauthorized", "x") if r.headers["authorization"] == "Bearer a1" else None
    )
    assert using(api, lambda kube: kube.list(PODS)) == []
    assert [r.headers["authorization"] for r in api.requests] == ["Bearer a1", "Bearer a2"]


def test_a_second_401_ends_with_3(api: Any, status: Any) -> None:
    api.answers.append(lambda _r: status(401, "Unauthorized", "token expired"))
    with pytest.raises(errors.AuthError, match="token expired"):
        using(api, lambda kube: kube.list(PODS))
    assert len(api.requests) == 2


@pytest.mark.parametrize("code", [429, 500, 503])
def test_a_read_is_repeated_after_a_busy_answer(api: Any, status: Any, code: int) -> None:
    api.answers.append(times(2, status(code, "Busy", "x")))
    assert using(api, lambda kube: kube.list(PODS)) == []
    assert len(api.requests) == 3


def test_a_write_is_not_repeated_after_a_500(api: Any, status: Any) -> None:
    api.answers.append(times(1, status(500, "InternalError", "boom")))
    with pytest.raises(ApiError, match="boom"):
        using(api, lambda kube: kube.create(PODS, {"metadata": {"name": "p"}}))
    assert len(api.requests) == 1


@pytest.mark.parametrize("after", ["1000000000", "-5", "soon", "Wed, 21 Oct 2099 07:28:00 GMT"])
def test_a_mad_retry_after_does_not_pass_the_deadline(api: Any, after: str) -> None:
    api.answers.append(lambda _r: (503, {"retry-after": after}, b"{}"))
    with pytest.raises(errors.TwainError):
        using(api, lambda kube: kube.list(PODS), timeout=0.5)


def test_an_honest_retry_after_beyond_the_deadline_ends_at_once(api: Any) -> None:
    api.answers.append(lambda _r: (429, {"retry-after": "60"}, b"{}"))
    with pytest.raises(ApiError):
        using(api, lambda kube: kube.list(PODS), timeout=1.0)
    assert len(api.requests) == 1


def test_a_redirect_is_refused(api: Any) -> None:
    api.answers.append(lambda _r: (302, {"location": "http://127.0.0.1:9/"}, b""))
    with pytest.raises(errors.ResourceError, match="never followed"):
        using(api, lambda kube: kube.list(PODS))


def test_a_conflict_of_managers_names_the_other_and_the_fields(api: Any, status: Any) -> None:
    causes = [{"reason": "FieldManagerConflict", "message": 'conflict with "argocd"', "field": ".spec.replicas"}]
    api.answers.append(lambda _r: status(409, "Conflict", "x", details={"causes": causes}))
    manifest = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d", "namespace": "n"}}
    with pytest.raises(ConflictError) as caught:
        using(api, lambda kube: kube.apply(manifest))
    assert '.spec.replicas: conflict with "argocd"' in caught.value.message


def test_an_apply_is_one_patch_with_our_manager(api: Any) -> None:
    manifest = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "c", "namespace": "n"},
        "data": {"a": "b"},
    }
    using(api, lambda kube: kube.apply(manifest, dry_run=True))
    (request,) = api.requests
    assert (request.method, request.path) == ("PATCH", "/api/v1/namespaces/n/configmaps/c")
    assert request.query == {"fieldManager": "twain", "force": "false", "dryRun": "All"}
    assert request.json == manifest


def test_a_timeout_after_a_write_is_unknown_and_after_a_read_is_9(api: Any) -> None:
    api.answers.append(lambda _r: "hang")
    with pytest.raises(errors.OutcomeUnknownError):
        using(api, lambda kube: kube.create(PODS, {"metadata": {"name": "p"}}), timeout=0.2)
    with pytest.raises(errors.DeadlineError):
        using(api, lambda kube: kube.list(PODS), timeout=0.2)


def test_a_review_changes_nothing_so_its_timeout_is_no_unknown(api: Any) -> None:
    api.answers.append(lambda _r: "hang")
    with pytest.raises(errors.DeadlineError):
        using(api, lambda kube: kube.can_i("get", "pods"), timeout=0.2)


def test_missing_is_6_and_delete_of_it_is_no_error(api: Any) -> None:
    with pytest.raises(MissingError):
        using(api, lambda kube: kube.get(f"{PODS}/p"))
    assert using(api, lambda kube: kube.delete(f"{PODS}/p")) is False


def test_a_list_is_read_page_by_page(api: Any) -> None:
    def pages(request: Any) -> Any:
        token = request.query.get("continue", "")
        page = {"": ("a", "2"), "2": ("b", "3"), "3": ("c", "")}[token]
        body = {"metadata": {"continue": page[1]}, "items": [{"metadata": {"name": page[0]}}]}
        return 200, {}, json.dumps(body).encode()

    api.answers.append(pages)
    assert [item["metadata"]["name"] for item in using(api, lambda kube: kube.list(PODS))] == ["a", "b", "c"]
    assert api.requests[0].query["limit"] == "500"


async def collect(kube: KubeClient, count: int, seconds: float = 3.0) -> list[tuple[str, str]]:
    seen: list[tuple[str, str]] = []
    async for event in kube.watch(PODS, deadline=Deadline(seconds)):
        seen.append((event["type"], event["object"].get("metadata", {}).get("name", "")))
        if len(seen) == count:
            break
    return seen


def watch_answer(*events: dict[str, Any]) -> bytes:
    body = b"".join(json.dumps(event).encode() + b"\n" for event in events)
    return b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body


def event(kind: str, name: str, version: int) -> dict[str, Any]:
    return {"type": kind, "object": {"metadata": {"name": name, "resourceVersion": str(version)}}}


def test_a_watch_that_ends_goes_on_where_it_was(api: Any) -> None:
    api.put(f"{PODS}/a", {"kind": "Pod"})
    rounds = [
        watch_answer(event("MODIFIED", "a", 7), event("BOOKMARK", "", 9)),
        watch_answer(event("DELETED", "a", 10)),
    ]
    api.answers.append(lambda r: rounds.pop(0) if r.query.get("watch") and rounds else None)
    assert using(api, lambda kube: collect(kube, 4)) == [
        ("ADDED", "a"),
        ("SYNCED", ""),
        ("MODIFIED", "a"),
        ("DELETED", "a"),
    ]
    watches = [r.query["resourceVersion"] for r in api.requests if r.query.get("watch")]
    assert watches == ["2", "9"]


def test_a_watch_that_is_gone_lists_again_so_that_nothing_is_missed(api: Any) -> None:
    api.put(f"{PODS}/a", {"kind": "Pod"})
    gone = [watch_answer({"type": "ERROR", "object": {"code": 410}})]
    api.answers.append(lambda r: gone.pop() if r.query.get("watch") and gone else None)
    expected = [("ADDED", "a"), ("SYNCED", ""), ("ADDED", "a"), ("SYNCED", "")]
    assert using(api, lambda kube: collect(kube, 4)) == expected


def test_a_watch_survives_an_api_server_that_goes_and_comes_back(api: Any) -> None:
    broken = ["reset", "reset"]
    api.answers.append(lambda r: broken.pop() if r.query.get("watch") and broken else None)

    async def work(kube: KubeClient) -> list[tuple[str, str]]:
        async def later() -> None:
            await asyncio.sleep(1.5)
            api.put(f"{PODS}/late", {"kind": "Pod"})

        async with asyncio.TaskGroup() as group:
            group.create_task(later())
            return await collect(kube, 2, 10.0)

    assert using(api, work)[-1] in {("ADDED", "late"), ("MODIFIED", "late")}


def test_a_watch_ends_quietly_at_its_deadline(api: Any) -> None:
    assert using(api, lambda kube: collect(kube, 99, 0.3)) == [("SYNCED", "")]


def test_names_cannot_walk_out_of_their_path() -> None:
    for name in ("../secrets/x", "a/b", "", "..", "a\n"):
        with pytest.raises(errors.UsageError):
            kinds.path("v1", "Pod", name, "n")
    with pytest.raises(errors.UsageError, match="does not know"):
        kinds.collection("v9", "Thing")
