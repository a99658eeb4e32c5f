"""The service that turns trade intents into decisions, and in safe drain never into orders."""
