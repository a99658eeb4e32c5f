"""Puts a Redis stream into the state in which the incident found it."""
