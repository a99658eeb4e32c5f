"""What the consumer says of itself: health, state, and whether it is alive."""
