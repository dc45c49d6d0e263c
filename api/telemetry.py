"""Tells a collector how long requests and their parts took (OpenTelemetry), and nothing of a patient; off as a rule."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING

from flask import Flask, Response, g, request

from api.metrics import METHODS
from api.trace import Trace, trace_of
from routing.settings import Settings

if TYPE_CHECKING:
    from opentelemetry.trace import Span, Tracer

Part = Callable[[str], AbstractContextManager[None]]
"""Opens a part of the request that is under way: its name -> a block."""

EXTENSION = "wegwijs.tracer"

SECONDS = 5
"""So long a collector is waited for, by a thread that no request waits for."""


def tracer_of(settings: Settings) -> Tracer | None:
    """What makes spans and sends them to the collector of `settings` every few seconds, in a thread of this process;
    None where none is set. Call it after a fork."""
    if settings.telemetry_url is None:
        return None
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    about = Resource.create({"service.name": "wegwijs", "service.version": version("wegwijs")})
    provider = TracerProvider(resource=about)
    exporter = OTLPSpanExporter(endpoint=settings.telemetry_url, timeout=SECONDS)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider.get_tracer("wegwijs")


def parts_of(tracer: Tracer) -> Part:
    """Opens parts of requests by `tracer`. What goes wrong within is told by its kind alone: its words may quote the
    patient."""

    @contextmanager
    def part(name: str) -> Iterator[None]:
        with tracer.start_as_current_span(name, record_exception=False, set_status_on_exception=False) as span:
            try:
                yield
            except BaseException as error:
                span.set_attribute("error.type", type(error).__name__)
                raise

    return part


def register(app: Flask, tracer: Tracer | None) -> None:
    """Make a span of each request to `app`, if there is a tracer: `begin` opens it, and the end of the request ends
    it."""
    if tracer is not None:
        app.extensions[EXTENSION] = tracer
        app.after_request(_answered)
        app.teardown_request(_end)


def begin(app: Flask) -> Trace:
    """The trace of the request that begins, under the ids by which logs and the collector know it."""
    traceparent = request.headers.get("traceparent", "")
    if (tracer := app.extensions.get(EXTENSION)) is None:
        return trace_of(traceparent)
    from opentelemetry import context, trace
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    above = TraceContextTextMapPropagator().extract({"traceparent": traceparent}, context.Context())
    parent = trace.get_current_span(above).get_span_context()
    route = request.url_rule.rule if request.url_rule else None
    method = request.method if request.method in METHODS else "_OTHER"
    said = {"http.request.method": method, **({"http.route": route} if route else {})}
    name = method if route is None else f"{method} {route}"
    span = tracer.start_span(name, above, trace.SpanKind.SERVER, said)
    g.span, g.span_token = span, context.attach(trace.set_span_in_context(span, above))
    own = span.get_span_context()
    above_id = trace.format_span_id(parent.span_id) if parent.is_valid else None
    return Trace(trace.format_trace_id(own.trace_id), trace.format_span_id(own.span_id), above_id)


def _answered(response: Response) -> Response:
    from opentelemetry.trace import StatusCode

    span: Span | None = g.get("span")
    if span is not None:
        span.set_attribute("http.response.status_code", response.status_code)
        if response.status_code >= 500:
            span.set_status(StatusCode.ERROR)
    return response


def _end(_error: BaseException | None) -> None:
    from opentelemetry import context

    if (span := g.pop("span", None)) is not None:
        context.detach(g.pop("span_token"))
        span.end()
