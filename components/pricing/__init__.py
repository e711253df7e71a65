"""Dated list prices: committed data with provenance and a thin reader. Nothing here asks the network."""
