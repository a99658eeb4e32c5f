"""A consumer that does just enough to be looked at."""
