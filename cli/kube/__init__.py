"""A thin Kubernetes client: exec-plugin credentials, server-side apply, watch, narrow decoding."""
