"""Inference workloads: manifests, plans, apply, list."""
