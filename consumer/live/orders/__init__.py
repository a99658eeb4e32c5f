"""Everything that can send an order. Safe drain cannot import it."""
