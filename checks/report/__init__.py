"""The report: everything a person should know about a run, computed from its bundle and from nothing else."""
