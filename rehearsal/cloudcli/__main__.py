"""`python -m rehearsal.cloudcli TOOL ARGUMENTS…`: what an executable of this name on the rehearsal's PATH runs."""

from __future__ import annotations

import importlib
import json
import sys

from rehearsal.cloudcli.account import Account, RefusedError
from rehearsal.cloudcli.options import Plain

TOOLS = {"aliyun": "alicloud", "gcloud": "gcp", "az": "azure"}


def main() -> int:
    """Answer one command; 1 with the reason on standard error where it is refused."""
    tool, *arguments = sys.argv[1:]
    try:
        account = Account.open(TOOLS[tool])
        found = importlib.import_module(f"rehearsal.cloudcli.{tool}").answer(arguments, account)
    except RefusedError as refused:
        sys.stderr.write(f"{refused}\n")
        return 1
    sys.stdout.write((found if isinstance(found, Plain) else json.dumps(found, indent=1)) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
