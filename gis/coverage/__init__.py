"""Who is served, where the gaps are, where to build next: pure functions on frames in metres."""
