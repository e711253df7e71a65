"""Collection over cells: latency rows, GPU rows, and how old each answer is."""
