"""The entry point that Pulumi runs. Absolute imports: the engine runs this folder, not this package."""

import pulumi

from components.errors import TwainLibraryError
from stacks.program import collect_rarely, main

collect_rarely()
try:
    main()
except TwainLibraryError as error:
    # A fault of the fleet, not of the program: the reader needs the message, not our stack.
    raise pulumi.RunError(str(error)) from error
