"""What is installed in a cell's cluster; the same on every cloud.

One module per thing; `assemble.build` declares all of it and is what the `platform` layer calls. Importing this package
loads no SDK, because the command line needs `components.platform.names` and must start fast.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from components.platform.assemble import build

__all__ = ["build"]


def __getattr__(name: str) -> Any:
    if name == "build":
        from components.platform.assemble import build

        return build
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)
