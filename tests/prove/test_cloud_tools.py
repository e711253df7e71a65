"""Each command that twain types, typed at the real `gcloud` and `az` without a sign-in: a tool reads words and options
first and asks for the sign-in then. Nothing of a cloud is called. What was found goes to `docs/proof/tools.json`.

`TWAIN_GCLOUD` and `TWAIN_AZ` name the tools where they are not on the PATH. A tool that is not there is a named skip.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from rehearsal.cloudcli.grammar import EXAMPLES
from tests.prove import proofs

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.prove
# What each says once it has understood a command. The list of accounts needs none, and is empty.
_UNDERSTOOD = re.compile(r"You do not currently have an active account selected|Please run 'az login'")
_NEEDS_NONE = "auth list"
_VERSION = {"gcloud": ("version", "--format=json"), "az": ("version", "--output", "json")}


@pytest.mark.parametrize("tool", EXAMPLES)
def test_the_real_tool_understands_every_command_and_every_option(tool: str, tmp_path: Path) -> None:
    program = os.environ.get(f"TWAIN_{tool.upper()}") or shutil.which(tool)
    if program is None:
        pytest.skip(f"no {tool} on this machine")
    env = {
        **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        "CLOUDSDK_CONFIG": str(tmp_path / "gcloud"),
        "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
        "CLOUDSDK_CORE_DISABLE_USAGE_REPORTING": "1",
        "CLOUDSDK_CORE_CHECK_GCE_METADATA": "0",
        "AZURE_CONFIG_DIR": str(tmp_path / "az"),
        "AZURE_CORE_COLLECT_TELEMETRY": "false",
        "AZURE_EXTENSION_USE_DYNAMIC_INSTALL": "no",
    }
    (tmp_path / "IN").write_bytes(b"x")

    def typed(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [program, *words], env=env, cwd=tmp_path, text=True, capture_output=True, stdin=subprocess.DEVNULL,
            timeout=300, check=False,
        )  # fmt: skip

    for example in EXAMPLES[tool]:
        ran = typed(*shlex.split(example))
        assert _UNDERSTOOD.search(ran.stderr) or (example.startswith(_NEEDS_NONE) and ran.returncode == 0), (
            f"{tool} {example}\n{ran.stderr[-600:]}"
        )
    # And what no tool takes is seen to be refused: the words above are no accident.
    wrong = typed(*shlex.split(EXAMPLES[tool][2]), "--no-such-option", "x")
    assert "unrecognized arguments" in wrong.stderr
    what = "every command that twain types, read by the clouds' own tools without a sign-in"
    proof = proofs.kept("tools") or {"what": what, **proofs.commit(), "code": proofs.code(), "tools": {}}
    version = json.loads(typed(*_VERSION[tool]).stdout)
    release = version.get("Google Cloud SDK") or version["azure-cli"]
    proof["tools"][tool] = {"release": release, "commands": len(EXAMPLES[tool])}
    proofs.write("tools", proof)
