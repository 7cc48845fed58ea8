"""OGC API: Features (core) and Tiles."""
