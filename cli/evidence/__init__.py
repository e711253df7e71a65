"""Signed evidence: what was judged, by which rules, of which plan; in a form that a machine and a lawyer can read."""
