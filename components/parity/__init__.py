"""Parity: cells are compared by what they guarantee, never by what their resources are called. Pure; no SDK, no
engine.
"""
