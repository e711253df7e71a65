"""Real Kubernetes control planes of the rehearsal's cells, and the clouds' credential plugins for them."""
