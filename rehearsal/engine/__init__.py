"""The real deployment engine of one world: workspace, language host, plugin executables, and a thin wrapper to run
it."""
