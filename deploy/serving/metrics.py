"""What the server counts, for Prometheus."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from .answers import Part
from .stages import Stages

BUCKETS = (0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
"""Seconds; 25 ms is what is wanted of 99 requests in 100."""
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
PARTS: tuple[Part, ...] = ("retrieval", "ranking", "reranking")


class ServerMetrics:
    """The counts of one server."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter("kaon_requests", "Requests answered.", ("endpoint", "status"), registry=self.registry)
        self.seconds = Histogram(
            "kaon_request_seconds",
            "From the first byte of a request to the last of its answer.",
            ("endpoint",),
            buckets=BUCKETS,
            registry=self.registry,
        )
        self.stage_seconds = Histogram(
            "kaon_stage_seconds", "Of each stage of an answer.", ("stage",), buckets=BUCKETS, registry=self.registry
        )
        self.fallbacks = Counter(
            "kaon_fallbacks", "Answers in which popularity stood in for a part.", ("part",), registry=self.registry
        )
        self.shed = Counter("kaon_shed", "Requests refused since too many waited.", registry=self.registry)
        self.swaps = Counter(
            "kaon_bundle_swaps", "Bundles that were found, by what came of them.", ("outcome",), registry=self.registry
        )
        self.bundle = Gauge("kaon_bundle_info", "1 for the bundle that answers.", ("version",), registry=self.registry)
        for part in PARTS:
            self.fallbacks.labels(part)
        for outcome in ("swapped", "refused"):
            self.swaps.labels(outcome)

    def note_request(self, endpoint: str, status: int, seconds: float) -> None:
        """Count a request that was answered."""
        self.requests.labels(endpoint, str(status)).inc()
        self.seconds.labels(endpoint).observe(seconds)

    def note_stages(self, stages: Stages) -> None:
        """Count what was measured inside of a request."""
        for stage, seconds in stages.seconds.items():
            self.stage_seconds.labels(stage).observe(seconds)
        for part in stages.failed:
            self.fallbacks.labels(part).inc()

    def note_shed(self) -> None:
        """Count a request that was told to come back."""
        self.shed.inc()

    def note_swap(self, version: str) -> None:
        """Say which bundle answers from now on."""
        self.swaps.labels("swapped").inc()
        self.bundle.clear()
        self.bundle.labels(version).set(1)

    def note_refusal(self) -> None:
        """Count a bundle that cannot be served."""
        self.swaps.labels("refused").inc()

    def exposition(self) -> bytes:
        """Return the counts as Prometheus reads them."""
        return generate_latest(self.registry)
