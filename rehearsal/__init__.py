"""The rehearsal: the whole system on one Linux machine, without an account.

Real Pulumi engine, real Kubernetes control planes, real Prometheus; the clouds, their nodes and the GPUs are emulated.
"""
