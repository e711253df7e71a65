"""Signing with a cell's own key, which never leaves the cloud's key service: the cloud's command line is asked."""
