"""Pools: reading and writing image-text pairs."""
