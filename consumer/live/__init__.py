"""All that can trade, and nothing else. Safe drain refuses to import anything of it."""
