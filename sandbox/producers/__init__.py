"""The producers of trade intents, each with its own shape, words for a side and way to write a time."""
