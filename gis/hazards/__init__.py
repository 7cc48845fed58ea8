"""Hazards: events that are never changed, and the state they lead to."""
