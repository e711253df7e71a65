"""The load of full size against the truth: 20 requests/s into every cell for three minutes.

The same tests as those of the shared rehearsal at its smaller size. What was found goes to `docs/proof/load.json`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration import test_rehearsal_figures as figures
from tests.integration.conftest import stage  # noqa: F401 - the fixture
from tests.prove import proofs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.conftest import Stage
    from tests.integration.test_rehearsal_figures import Loaded

pytestmark = pytest.mark.prove
RATE, SECONDS = 20.0, 180.0


@pytest.fixture(scope="module")
def loaded(stage: Stage) -> Iterator[Loaded]:  # noqa: F811 - the fixture
    yield from figures.under_load(stage, rate=RATE, seconds=SECONDS)


def test_at_full_size_the_command_line_prints_what_happened(loaded: Loaded) -> None:
    figures.test_the_generator_says_what_was_asked_and_what_was_achieved(loaded)
    figures.test_outside_of_the_load_counts_are_equal_and_every_quantile_lies_in_its_bucket(loaded)
    figures.test_a_window_cut_inside_the_load_is_wrong_by_a_scrape_interval_per_edge_at_most(loaded)
    figures.test_both_worlds_read_the_same_figures_of_a_cell(loaded)
    truth = loaded.truth(*loaded.window)
    document = {
        "what": "a seeded load into every cell against the recorded truth: equal counts, every quantile in its bucket",
        **proofs.commit(),
        "seed": 7,
        "askedRate": RATE,
        "seconds": SECONDS,
        "cells": [
            {
                "cell": cell,
                "requests": truth[cell]["requests"],
                "printed": loaded.printed(world, *loaded.window)[cell]["requests"],
                "achievedRate": round(loaded.load[cell]["achievedRate"], 2),
                "quantilesInTheirBucket": len(figures.PHASES) * 3 * 2,
            }
            for cell, world in figures.CELLS.items()
        ],
    }
    proofs.write("load", document)
