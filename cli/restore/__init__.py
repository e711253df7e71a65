"""Restore tests: a store is put back under a scratch name beside the original, compared with it, and taken away."""
