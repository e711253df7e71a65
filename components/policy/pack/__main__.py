"""What the engine starts. The rules are this checkout's, wherever the program lies that they judge."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from components.policy.pack.server import main

sys.exit(main())
