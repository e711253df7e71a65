"""Emulated clouds: resource providers that the real engine runs, over one SQLite file per world."""
