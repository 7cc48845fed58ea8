"""Counters and times of one application, in a registry of its own (Prometheus text)."""

from __future__ import annotations

from prometheus_client import CONTENT_TYPE_LATEST as TEXT_TYPE
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_BUCKETS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)

__all__ = ["TEXT_TYPE", "Metrics"]


class Metrics:
    """What is counted: requests by route and status, time to the first byte, cached tiles."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "infratrack_requests_total",
            "Requests answered",
            ("route", "status"),
            registry=self.registry,
        )
        self.seconds = Histogram(
            "infratrack_request_seconds",
            "Time to the first byte",
            ("route",),
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self.tiles = Counter(
            "infratrack_tiles_total",
            "Tiles answered: made, cached, or unchanged (304)",
            ("how",),
            registry=self.registry,
        )
        self.cached_bytes = Gauge(
            "infratrack_tile_cache_bytes", "Bytes of cached tiles", registry=self.registry
        )

    def write(self) -> bytes:
        """Everything as Prometheus text."""
        return generate_latest(self.registry)
