"""What load will be sent, when, and what it came to. Pure and seeded: the same plan gives the same requests."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from rehearsal.programs.truth import nearest_rank
from rehearsal.programs.vllm_text import words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# An open-loop generator that is late measures itself; beyond this share of p99 TTFT a run is no evidence.
_HONEST_SHARE = 0.05
LIGHT_RATE = 0.5
LONGEST_S = 8 * 3600.0


@dataclass(frozen=True)
class Target:
    """One workload behind the gateway."""

    maison: str
    workload: str
    model: str
    weight: float = 1.0

    @classmethod
    def parse(cls, text: str) -> Target:
        """`MAISON/WORKLOAD=MODEL[@WEIGHT]`. Raises ValueError."""
        place, sign, rest = text.partition("=")
        maison, slash, workload = place.partition("/")
        model, _, weight = rest.partition("@")
        if not (sign and slash and maison and workload and model):
            message = f"{text!r} is not MAISON/WORKLOAD=MODEL[@WEIGHT]"
            raise ValueError(message)
        return cls(maison=maison, workload=workload, model=model, weight=float(weight or 1))

    @property
    def path(self) -> str:
        """The path of the chat endpoint at the gateway."""
        return f"/{self.maison}/{self.workload}/v1/chat/completions"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Open-loop load. `rate` in requests/s, `duration` in s; it ends at `duration` or after `requests`."""

    targets: tuple[Target, ...]
    rate: float
    duration: float
    requests: int
    seed: int = 1
    arrivals: Literal["poisson", "constant"] = "poisson"
    streamed: float = 1 / 3
    tokens: tuple[int, int] = (8, 32)
    prompt_words: tuple[int, int] = (12, 120)
    in_flight: int = 2000
    timeout: float = 120.0

    def __post_init__(self) -> None:
        problems: list[str] = []
        if not self.targets:
            problems.append("at least one target is needed")
        if not 0 < self.rate <= 1000:
            problems.append("rate must be above 0 and at most 1000 requests/s")
        if not 0 < self.duration <= LONGEST_S:
            problems.append(f"duration must be above 0 and at most {LONGEST_S:g} s")
        if not 0 < self.tokens[0] <= self.tokens[1]:
            problems.append("tokens must be a range like 8-32")
        if not 0 <= self.streamed <= 1:
            problems.append("streamed is a share between 0 and 1")
        if problems:
            raise ValueError("; ".join(problems))


@dataclass(frozen=True)
class Shot:
    """One request: `at` in seconds after the start."""

    index: int
    at: float
    target: Target
    streamed: bool
    body: dict[str, Any]


def shots(plan: Plan) -> Iterator[Shot]:
    """The requests of a plan in order of time."""
    clock = random.Random(f"{plan.seed}/clock")
    weights = [target.weight for target in plan.targets]
    at = 0.0
    for index in range(plan.requests):
        at = (index + 1) / plan.rate if plan.arrivals == "constant" else at + clock.expovariate(plan.rate)
        if at > plan.duration:
            return
        source = random.Random(f"{plan.seed}/{index}")
        target = source.choices(plan.targets, weights)[0]
        streamed = source.random() < plan.streamed
        yield Shot(
            index=index, at=at, target=target, streamed=streamed, body=_body(plan, source, target, streamed=streamed)
        )


def _body(plan: Plan, source: random.Random, target: Target, *, streamed: bool) -> dict[str, Any]:
    count = source.randint(*plan.tokens)
    body: dict[str, Any] = {
        "model": target.model,
        "messages": [{"role": "user", "content": "".join(words(source, source.randint(*plan.prompt_words)))}],
        "max_tokens": count,
        # Answers of exactly the asked length, so that the number of tokens follows from the seed.
        "ignore_eos": True,
        "stream": streamed,
    }
    if streamed:
        body["stream_options"] = {"include_usage": True}
    return body


@dataclass(frozen=True)
class Result:
    """One request as the client saw it. Times in unix seconds, durations in seconds from the *scheduled* time; `status`
    is an HTTP code or a word; `ttft` is None unless streamed and answered.
    """

    index: int
    target: Target
    streamed: bool
    scheduled: float
    delay: float
    status: str
    ttft: float | None
    e2e: float
    prompt_tokens: int
    generation_tokens: int

    @property
    def answered(self) -> bool:
        """Whether it came back whole."""
        return self.status == "200"


@dataclass
class Tally:
    """What happened, as a summary. `skipped` were due while paused, `dropped` exceeded the in-flight bound."""

    plan: Plan
    began: float
    results: list[Result] = field(default_factory=list)
    skipped: int = 0
    dropped: int = 0
    stopped_by: str = "plan"
    ended: float = 0.0

    def summary(self) -> dict[str, Any]:
        """The JSON summary; rates in requests/s up to the moment in which the last request really went out."""
        plan, results = self.plan, self.results
        last = max((result.scheduled + result.delay for result in results), default=self.began)
        span = max(last - self.began, 1e-9)
        statuses: dict[str, int] = {}
        for result in results:
            statuses[result.status] = statuses.get(result.status, 0) + 1
        delay = _quantiles([result.delay for result in results])
        ttft = _quantiles([result.ttft for result in results if result.ttft is not None])
        late, first = delay["p99"], ttft["p99"]
        return {
            "from": self.began,
            "to": self.ended,
            "seed": plan.seed,
            "arrivals": plan.arrivals,
            "askedRate": plan.rate,
            "achievedRate": round(len(results) / span, 4),
            "answeredRate": round(sum(result.answered for result in results) / span, 4),
            "sent": len(results),
            "answered": sum(result.answered for result in results),
            "streamed": sum(result.streamed for result in results),
            "skippedWhilePaused": self.skipped,
            "dropped": self.dropped,
            "stoppedBy": self.stopped_by,
            "statuses": dict(sorted(statuses.items())),
            "tokens": {
                "prompt": sum(result.prompt_tokens for result in results),
                "generation": sum(result.generation_tokens for result in results),
            },
            "scheduleDelay": delay,
            "ttft": ttft,
            "e2e": _quantiles([result.e2e for result in results if result.answered]),
            "honest": None if late is None or first is None else late <= _HONEST_SHARE * first,
        }


def _quantiles(values: Sequence[float]) -> dict[str, float | None]:
    ordered = sorted(values)
    found = {f"p{percent}": nearest_rank(ordered, percent) for percent in (50, 95, 99)}
    return {**found, "max": ordered[-1] if ordered else None}
