"""Lookups of the playbooks themselves; those of the roles are in plugins/."""
