"""Hazards: events that are never changed, the state they lead to, and when it is due."""
