"""What the operator has set for mail; tests override the MAIL_* settings instead of patching."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed

from partner_center.environment import environment

SHORTEST_TIMEOUT = 0.5


@dataclass(frozen=True)
class MailConfig:
    """
    Where mail goes and in whose name.

    `time_scale` multiplies every lease, pause and timeout; tests run at a hundredth. `senders` is how many Celery tasks
    may send at a time, so that a long batch leaves workers for other work.
    """

    url: str
    sender: str
    domain: str
    site_url: str
    bounce_key: str
    time_scale: float
    senders: int
    is_production: bool

    @property
    def uses_mailbox(self) -> bool:
        return self.url.startswith("mailbox:")

    def scaled(self, seconds: float) -> float:
        return seconds * self.time_scale

    def timeout(self, seconds: float) -> float:
        """Scale a socket's patience, but leave even tests' servers time to answer."""
        return max(SHORTEST_TIMEOUT, self.scaled(seconds))


@lru_cache(maxsize=1)
def mail_config() -> MailConfig:
    """Read the settings, once: they are asked for several times for each mail."""
    return MailConfig(
        url=getattr(settings, "MAIL_URL", environment.email_url),
        sender=getattr(settings, "MAIL_FROM", environment.mail_from),
        domain=getattr(settings, "MAIL_DOMAIN", environment.mail_domain),
        site_url=settings.SITE_URL,
        bounce_key=getattr(settings, "MAIL_BOUNCE_KEY", environment.bounce_webhook_key),
        time_scale=getattr(settings, "MAIL_TIME_SCALE", 1.0),
        senders=getattr(settings, "MAIL_SENDERS", max(1, environment.worker_processes // 2)),
        is_production=getattr(settings, "MAIL_IS_PRODUCTION", environment.is_production),
    )


def _forget(**_change: Any) -> None:
    mail_config.cache_clear()


# Sent by the test tools only.
setting_changed.connect(_forget)
