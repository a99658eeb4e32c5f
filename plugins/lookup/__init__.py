"""Lookups of this project's own."""
