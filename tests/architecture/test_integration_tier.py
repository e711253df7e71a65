"""What tests of the integration tier that run beside each other must not share."""

from __future__ import annotations

import re
from pathlib import Path

from rehearsal import blocks

TIER = Path(__file__).resolve().parents[1] / "integration"
_BLOCK = re.compile(r"""(?:"block": |block=)(\d+)""")


def test_each_file_that_names_a_block_of_addresses_has_one_of_its_own() -> None:
    """Two files may run at once, and both would bind the same addresses. What a rehearsal claims lies elsewhere."""
    found: dict[int, set[str]] = {}
    for path in sorted(TIER.glob("*.py")):
        for block in _BLOCK.findall(path.read_text(encoding="utf-8")):
            found.setdefault(int(block), set()).add(path.name)
    assert len(found) >= 5
    assert {block: files for block, files in found.items() if len(files) > 1} == {}
    assert not set(found) & set(blocks.CLAIMABLE)
