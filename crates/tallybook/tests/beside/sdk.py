"""An agent that reports with the OpenTelemetry SDK for Python, and nothing of ours.

    sdk.py http/protobuf|grpc ENDPOINT SESSION

It sends log records, metrics and spans, waits until they are taken, and fails if one was not.
"""

import logging
import sys
import time

from opentelemetry import trace
from opentelemetry._logs import SeverityNumber
from opentelemetry.metrics import Observation
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

RECORDS = 1_300
SPANS = 40

protocol, endpoint, session = sys.argv[1:]
if protocol == "grpc":
    from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
    from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

    def to(signal):
        return {"endpoint": endpoint, "insecure": True}
else:
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    def to(signal):
        return {"endpoint": f"{endpoint}/v1/{signal}"}


class Complaints(logging.Handler):
    """The SDK says in its log what an exporter could not deliver, and goes on."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.said = []

    def emit(self, record):
        self.said.append(f"{record.name}: {record.getMessage()}")


complaints = Complaints()
logging.getLogger().addHandler(complaints)

resource = Resource.create(
    {
        "service.name": "report-writer",
        "service.version": "3.1",
        "deployment.environment.name": "test",
        "team.id": "data science",
    }
)
scope, parts = ("report.writer", "0.9"), {"part": "pages"}
common = {"session.id": session, "user.email": "margaret@example.com"}


def tracing():
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(**to("traces"))))
    tracer = provider.get_tracer(*scope, attributes=parts)
    for number in range(SPANS // 2):
        with tracer.start_as_current_span("write", attributes=common) as outer:
            outer.set_attribute("number", number)
            with tracer.start_as_current_span("look up", attributes=common) as inner:
                inner.add_event("found", {"pages": number})
                if number % 4 == 0:
                    inner.set_status(trace.StatusCode.ERROR, "no such page")
    return provider


def records():
    provider = LoggerProvider(resource=resource)
    exporter = OTLPLogExporter(**to("logs"))
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter, max_queue_size=RECORDS))
    logger = provider.get_logger(*scope, attributes=parts)
    for number in range(RECORDS):
        logger.emit(
            timestamp=time.time_ns(),
            severity_number=SeverityNumber.INFO,
            severity_text="INFO",
            event_name="page_written",
            body={"page": number, "parts": ["head", "foot"]},
            attributes={
                **common,
                "number": number,
                "share": number / 8,
                "is_last": number == RECORDS - 1,
                "words": ["a", "b"],
                "nested": {"deep": {"er": 1}},
            },
        )
    return provider


def metrics(name, temporality):
    preferred = {Counter: temporality, Histogram: temporality}
    exporter = OTLPMetricExporter(**to("metrics"), preferred_temporality=preferred)
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=3_600_000)
    provider = MeterProvider([reader], resource=resource)
    meter = provider.get_meter(*scope, attributes=parts)
    pages = meter.create_counter(f"{name}.pages", unit="{page}")
    cost = meter.create_counter(f"{name}.cost", unit="USD")
    took = meter.create_histogram(f"{name}.took", unit="s")
    waiting = meter.create_up_down_counter(f"{name}.waiting")
    level = [0]
    meter.create_observable_gauge(
        f"{name}.level", [lambda _: [Observation(level[0], common)]]
    )
    # Three exports, so that what is cumulative is repeated.
    for turn in range(1, 4):
        for kind in ("draft", "final"):
            pages.add(10 * turn, {**common, "type": kind})
            cost.add(0.125 * turn, {**common, "type": kind})
            took.record(0.5 * turn, {**common, "type": kind})
        waiting.add(2 if turn < 3 else -3, common)
        level[0] = 10 - turn
        assert provider.force_flush(), "metrics were not taken in time"
    return provider


providers = [
    tracing(),
    records(),
    metrics("cumulative", AggregationTemporality.CUMULATIVE),
    metrics("delta", AggregationTemporality.DELTA),
]
for provider in providers:
    assert provider.force_flush(), "not everything was taken in time"
    provider.shutdown()
if complaints.said:
    sys.exit("\n".join(complaints.said))
