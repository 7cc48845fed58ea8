"""The routes of our own: maps, search, health, metrics, live events."""
