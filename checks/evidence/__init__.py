"""Evidence of one run: what was seen, what it means, what it is bound to, and who vouches for it."""
