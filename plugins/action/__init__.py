"""Tasks of this project's own."""
