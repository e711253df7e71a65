from __future__ import annotations

import itertools

import pytest

from rehearsal.programs.load_plan import Plan, Result, Tally, Target, shots

TARGET = Target("aurelia", "advisor", "qwen3-32b")


def _plan(**rest: object) -> Plan:
    values: dict[str, object] = {"targets": (TARGET,), "rate": 20.0, "duration": 60.0, "requests": 5000}
    return Plan(**{**values, **rest})  # type: ignore[arg-type]


def test_a_seed_gives_the_same_requests_again_and_another_seed_others() -> None:
    first, again, other = (list(shots(_plan(seed=seed))) for seed in (7, 7, 8))
    assert first == again
    assert [one.at for one in first] != [one.at for one in other]


def test_poisson_arrivals_have_the_asked_rate_and_constant_ones_exactly() -> None:
    assert len(list(shots(_plan()))) == pytest.approx(1200, rel=0.1)
    constant = list(shots(_plan(arrivals="constant")))
    assert len(constant) == 1200
    assert {round(b.at - a.at, 9) for a, b in itertools.pairwise(constant)} == {0.05}


def test_a_third_is_streamed_and_answers_are_8_to_32_tokens() -> None:
    found = list(shots(_plan()))
    assert sum(one.streamed for one in found) / len(found) == pytest.approx(1 / 3, abs=0.05)
    lengths = {one.body["max_tokens"] for one in found}
    assert (min(lengths), max(lengths)) == (8, 32)
    assert all(one.body["stream"] == one.streamed for one in found)


def test_it_is_bounded_in_count_and_time() -> None:
    assert len(list(shots(_plan(requests=10)))) == 10
    assert all(one.at <= 60 for one in shots(_plan()))


def test_weights_share_the_load_among_workloads() -> None:
    other = Target("calisto", "coder", "m", 3.0)
    found = list(shots(_plan(targets=(TARGET, other))))
    assert sum(one.target is other for one in found) / len(found) == pytest.approx(0.75, abs=0.05)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"rate": 0}, "rate"),
        ({"duration": 1e9}, "duration"),
        ({"targets": ()}, "target"),
        ({"tokens": (9, 8)}, "tokens"),
    ],
)
def test_a_plan_without_bounds_is_refused(wrong: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        _plan(**wrong)


def test_a_target_is_written_as_maison_workload_model_and_weight() -> None:
    assert Target.parse("aurelia/advisor=qwen3-32b@2") == Target("aurelia", "advisor", "qwen3-32b", 2.0)
    assert Target.parse("a/b=m").path == "/a/b/v1/chat/completions"
    with pytest.raises(ValueError, match="is not MAISON/WORKLOAD=MODEL"):
        Target.parse("advisor")


def test_the_summary_tells_a_late_generator_from_a_slow_server() -> None:
    def result(index: int, delay: float) -> Result:
        return Result(
            index=index,
            target=TARGET,
            streamed=True,
            scheduled=100.0 + index,
            delay=delay,
            status="200",
            ttft=0.1,
            e2e=0.5,
            prompt_tokens=10,
            generation_tokens=8,
        )

    honest = Tally(plan=_plan(), began=100.0, results=[result(index, 0.001) for index in range(11)]).summary()
    late = Tally(plan=_plan(), began=100.0, results=[result(index, 0.05) for index in range(11)]).summary()
    assert honest["honest"] is True
    assert late["honest"] is False
    assert honest["achievedRate"] == pytest.approx(1.1, rel=1e-3)
    behind = Tally(plan=_plan(), began=100.0, results=[result(index, 4.0 * index) for index in range(11)]).summary()
    assert behind["achievedRate"] == pytest.approx(11 / 50)
    assert honest["tokens"] == {"prompt": 110, "generation": 88}
