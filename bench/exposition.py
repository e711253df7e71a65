"""How fast a Prometheus exposition is parsed, labels and all.

    python bench/exposition.py [--gpus 800] [--pods 150] [--rounds 7]

Against `prometheus_client.parser`. Cold is a parser that has never seen the series; warm is the next scrape of the same
targets, with other values. Both must give every sample the same value.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench import harness
from cli.prom.exposition import Parser

EDGES = (0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0)


def scrape(gpus: int, pods: int, *, seed: int) -> str:
    """Fifteen DCGM series per GPU and four vLLM histograms per pod. `seed` changes the values, never the series."""
    pick = random.Random(seed)
    lines: list[str] = []
    for metric in range(15):
        lines.append(f"# TYPE DCGM_FI_{metric} gauge")
        for gpu in range(gpus):
            labels = f'gpu="{gpu % 8}",UUID="GPU-{gpu:08x}-1d2c",device="nvidia{gpu % 8}",Hostname="node-{gpu // 8}"'
            model = 'modelName="NVIDIA A100-SXM4-80GB",namespace="maison-atelier",pod="advisor-0",container="engine"'
            lines.append(f"DCGM_FI_{metric}{{{labels},{model}}} {pick.randrange(10**6)}")
    for name in ("time_to_first_token", "inter_token_latency", "e2e_request_latency", "request_queue_time"):
        lines.append(f"# TYPE vllm:{name}_seconds histogram")
        for pod in range(pods):
            labels = f'model_name="advisor",engine="0",pod="advisor-{pod}"'
            count = 0
            for edge in (*EDGES, "+Inf"):
                count += pick.randrange(100)
                lines.append(f'vllm:{name}_seconds_bucket{{{labels},le="{edge}"}} {count}')
            lines.append(f"vllm:{name}_seconds_count{{{labels}}} {count}")
            lines.append(f"vllm:{name}_seconds_sum{{{labels}}} {pick.random() * count}")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gpus", type=int, default=800)
    parser.add_argument("--pods", type=int, default=150)
    parser.add_argument("--rounds", type=int, default=7)
    asked = parser.parse_args()
    on = harness.machine()
    first, second = (scrape(asked.gpus, asked.pods, seed=seed) for seed in (1, 2))
    known = Parser()
    known.parse(first)
    ours = {(series.name, series.labels): value for series, value in known.parse(second).values.items()}
    theirs = {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(second)
        for sample in family.samples
    }
    if ours != theirs:
        raise SystemExit("the parsers do not read the same: no figure counts")

    def warm() -> float:
        began = time.perf_counter()
        known.parse(second)
        return time.perf_counter() - began

    def cold() -> float:
        began = time.perf_counter()
        Parser().parse(second)
        return time.perf_counter() - began

    def client() -> float:
        began = time.perf_counter()
        for family in text_string_to_metric_families(second):
            len(family.samples)
        return time.perf_counter() - began

    taken = harness.interleaved(
        {"twain, warm": warm, "twain, cold": cold, "prometheus_client": client}, rounds=asked.rounds
    )
    print(harness.heading(on))
    print(f"{len(ours)} samples, {len(second) / 1e6:.1f} MB")
    rows = harness.against(taken, "twain, warm", "twain, cold")
    harness.append("exposition", {"samples": len(ours), **rows}, on=on)


if __name__ == "__main__":
    main()
