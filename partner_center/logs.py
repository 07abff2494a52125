"""One JSON object a line, with the request's id and without what a path or a person would give away."""

import logging
import traceback
from collections.abc import Iterator
from typing import Any

import structlog
from django.http import HttpRequest
from structlog.typing import ExcInfo

MOST_CAUSES = 10


class WithoutPath(logging.Filter):
    """Replaces the path in Django's own lines by the route: a path may hold an invitation's token."""

    def filter(self, record: logging.LogRecord) -> bool:
        request = getattr(record, "request", None)
        # The development server's lines carry its socket under the same name.
        if isinstance(request, HttpRequest) and isinstance(record.args, tuple):
            match = request.resolver_match
            route = match.route if match else "(no route)"
            record.args = tuple(route if argument == request.path else argument for argument in record.args)
        return True


def code_places(exc_info: ExcInfo) -> str:
    """Say which faults there were and where in the code, never their messages: a database or a parser quotes values."""
    return "".join(_places(exc_info[1]))


def _places(error: BaseException | None) -> Iterator[str]:
    """Walk from an error to what caused it."""
    for _cause in range(MOST_CAUSES):
        if error is None:
            return
        yield from traceback.format_tb(error.__traceback__)
        yield f"{type(error).__module__}.{type(error).__qualname__}\n"
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


LEVELS: dict[str, dict[str, Any]] = {
    # Django's default handlers would print a second, unmasked line.
    "django": {"handlers": [], "level": "INFO", "propagate": True},
    "django.request": {"level": "ERROR"},
    "django.server": {"handlers": [], "level": "ERROR", "propagate": True},
    # Beat rings every second; its bells are no news.
    "celery": {"level": "WARNING"},
    # Django answers HEAD with a body and leaves it to the server to drop it; gunicorn warns of each.
    "gunicorn.http.wsgi": {"level": "ERROR"},
}


def logging_config() -> dict[str, Any]:
    """Describe logging for `settings.LOGGING`; the renderer escapes line breaks and control characters."""
    before = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    after = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.ExceptionRenderer(code_places),
        structlog.processors.JSONRenderer(ensure_ascii=False),
    ]
    formatter = {"()": structlog.stdlib.ProcessorFormatter, "processors": after, "foreign_pre_chain": before}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"without_path": {"()": WithoutPath}},
        "formatters": {"json": formatter},
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "formatter": "json", "filters": ["without_path"]},
        },
        "root": {"handlers": ["stderr"], "level": "INFO"},
        "loggers": LEVELS,
    }
