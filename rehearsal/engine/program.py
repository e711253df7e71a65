"""The child process that runs one Pulumi program: `python -m rehearsal.engine.program`, its run request as JSON on
standard input."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import runpy
import sys
import traceback
from typing import Any

# What the engine's own Python host uses: the program failed and the user has already been told why.
SHOWN_TO_THE_USER = 32


def main() -> int:
    """Run the program of the request; 0 when it ended well, `SHOWN_TO_THE_USER` when it did not."""
    from rehearsal.engine.lifeline import die_with_parent_thread

    die_with_parent_thread()
    request: dict[str, Any] = json.load(sys.stdin)
    import pulumi
    import pulumi.runtime
    import pulumi.runtime.settings

    pulumi.runtime.settings.reset_options(
        project=request["project"],
        monitor_address=request["monitor"],
        engine_address=request["engine"],
        stack=request["stack"],
        parallel=request["parallel"],
        preview=request["preview"],
        organization=request["organization"],
    )
    pulumi.runtime.set_all_config(request["config"], request["secret_keys"])
    sys.argv = [request["program"], *request["args"]]
    # The engine's own host silences asyncio too: a failing program leaves cancelled tasks behind, which say nothing
    # about its fault.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        loop.run_until_complete(pulumi.runtime.run_in_stack(lambda: _run(request["program"])))
    except pulumi.RunError as error:
        _report(str(error))
        return SHOWN_TO_THE_USER
    except Exception:  # noqa: BLE001 - the boundary between the engine and a user's program
        _report("Program failed with an unhandled exception:\n" + traceback.format_exc())
        return SHOWN_TO_THE_USER
    finally:
        loop.close()
        sys.stdout.flush()
        sys.stderr.flush()
    return 0


def _run(program: str) -> None:
    runpy.run_path(program, run_name="__main__")


def _report(message: str) -> None:
    import grpc
    import pulumi

    try:
        pulumi.log.error(message)
    except grpc.RpcError:
        sys.stderr.write(message + "\n")


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    # gRPC's threads may still hold the interpreter open after a failed run; everything worth saying has been said.
    os._exit(status)
