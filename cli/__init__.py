"""The `twain` command line. Importing a module of this package costs only what that module needs."""
