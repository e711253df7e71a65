"""The Pulumi provider of a cell: whose account, which region. Declared explicitly, so that no ambient default
decides.
"""
