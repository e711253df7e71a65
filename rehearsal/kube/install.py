"""Puts the clouds' credential plugins and command lines on the rehearsal's PATH."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

PLUGINS = ("ack-ram-tool", "gke-gcloud-auth-plugin", "kubelogin")
TOOLS = ("aliyun", "az", "gcloud")
_MODULES = dict.fromkeys(PLUGINS, "rehearsal.kube.exec_plugin") | dict.fromkeys(TOOLS, "rehearsal.cloudcli")
_CHECKOUT = Path(__file__).resolve().parent.parent.parent


def install(bin_dir: Path) -> list[Path]:
    """Write the plugins and the command lines into a folder, 0755; repeating changes nothing. Returns their paths."""
    bin_dir.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    for name, module in _MODULES.items():
        # Shell rather than a shebang to Python: the kernel cuts long shebang lines, and checkouts have long paths.
        text = (
            "#!/bin/sh\n"
            f"export PYTHONPATH={shlex.quote(str(_CHECKOUT))}\n"
            f'exec {shlex.quote(sys.executable)} -m {module} {name} "$@"\n'
        )
        path = bin_dir / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            scratch = path.with_suffix(".tmp")
            scratch.write_text(text, encoding="utf-8")
            scratch.chmod(0o755)
            scratch.replace(path)
        written.append(path)
    return written
