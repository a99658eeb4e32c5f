"""The program that runs on the target host, as root: it looks, and it changes."""
