"""Where orders would go. This build knows one venue: none."""
