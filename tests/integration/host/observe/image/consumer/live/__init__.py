"""What safe drain must refuse to import."""
