"""What an operator sets: one typed object, read from the environment or a `.env` file."""

import os
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured
from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

BASE_DIR = Path(__file__).resolve().parent.parent
ENV_FILE = os.environ.get("ENV_FILE", BASE_DIR / ".env")
DEMO_SECRET_KEY = "demo-only-secret-key-that-production-refuses-to-start-with"  # noqa: S105 - refused in production
SHORTEST_SECRET_KEY = 50


class Environment(BaseSettings):
    """Every variable the product reads, with its type, default and meaning."""

    model_config = SettingsConfigDict(env_file=ENV_FILE, extra="ignore", frozen=True)

    mode: Literal["demo", "production"] = Field("demo", description="demo shows logins and the dev mailbox")
    secret_key: str = Field(DEMO_SECRET_KEY, description="signs sessions and links; at least 50 random characters")
    secret_key_fallbacks: str = Field("", description="older keys still accepted, separated by commas")
    invite_key: str = Field("", description="derives invitation links; empty means derived from SECRET_KEY")
    debug: bool = Field(False, description="developer error pages; never with a public host")
    allowed_hosts: str = Field("localhost,127.0.0.1,[::1]", description="host names served, separated by commas")
    site_url: str = Field("http://localhost:8000", description="public address, used in every mail")
    state_dir: Path = Field(BASE_DIR / "state", description="database, broker and files of the embedded setup")
    audit_anchor_dir: str = Field("", description="folder of the hourly log heads; empty means STATE_DIR/anchors")
    database_url: str = Field("", description="postgres://user:password@host:5432/name; empty means SQLite")
    redis_url: str = Field("", description="redis://host:6379/0; empty starts an embedded Valkey")
    email_url: str = Field(
        "mailbox:", description="smtp://user:password@host:587?tls=starttls, or mailbox: (not in production)"
    )
    mail_from: str = Field("Partner Center <no-reply@partner-center.example>", description="sender of every mail")
    mail_domain: str = Field("partner-center.example", description="domain in Message-IDs and bounce addresses")
    bounce_webhook_key: str = Field("", description="signs bounce reports; empty switches the webhook off")
    vendor_name: str = Field("Northwind Cloud", description="name of the vendor on every page and mail")
    product_name: str = Field("Partner Center", description="name of the product on every page and mail")
    support_email: str = Field("support@partner-center.example", description="where people are told to ask for help")
    invitation_days: int = Field(7, ge=1, le=90, description="validity of a mailed invitation, days")
    preregistration_days: int = Field(15, ge=1, le=365, description="validity of a preregistration, days")
    preregistration_cap: int = Field(20_000, ge=1, description="live preregistrations a partner may hold")
    resend_cooldown_minutes: int = Field(10, ge=0, description="pause before the same invitation is sent again")
    daily_mail_budget: int = Field(20_000, ge=1, description="invitation mails a partner may send in 24 hours")
    batch_limit: int = Field(10_000, ge=1, le=50_000, description="rows in one batch of invitations or resends")
    registered_max_days: int = Field(7, ge=0, description="age of an account that may still be associated, days")
    invoice_debt_limit_minor: int = Field(0, ge=0, description="outstanding invoice amount tolerated, minor units")
    referral_blocked_countries: str = Field("", description="countries whose partners may not refer, by commas")
    export_hours: int = Field(24, ge=1, description="life of an exported file, hours")
    worker_processes: int = Field(2, ge=1, le=64, description="processes of the embedded worker")
    web_workers: int = Field(2, ge=1, le=64, description="processes of the embedded web server")

    @field_validator("site_url")
    @classmethod
    def site_url_is_absolute(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.netloc:
            raise ValueError("should be an address such as https://partners.example.com")
        return value.rstrip("/")

    @field_validator("email_url")
    @classmethod
    def email_url_is_known(cls, value: str) -> str:
        if urlsplit(value).scheme not in {"smtp", "smtps", "mailbox"}:
            raise ValueError("should begin with smtp://, smtps:// or be mailbox:")
        return value

    @field_validator("database_url")
    @classmethod
    def database_url_is_known(cls, value: str) -> str:
        if value and urlsplit(value).scheme not in {"postgres", "postgresql", "sqlite"}:
            raise ValueError("should begin with postgres:// or be empty for SQLite")
        return value

    @field_validator("redis_url")
    @classmethod
    def redis_url_is_known(cls, value: str) -> str:
        if value and urlsplit(value).scheme not in {"redis", "rediss", "unix", "redis+socket"}:
            raise ValueError("should begin with redis://, rediss:// or redis+socket://, or be empty")
        return value

    @model_validator(mode="after")
    def production_is_safe(self) -> "Environment":
        if self.mode != "production":
            return self
        if self.secret_key == DEMO_SECRET_KEY or len(self.secret_key) < SHORTEST_SECRET_KEY:
            raise ValueError(f"SECRET_KEY: should be at least {SHORTEST_SECRET_KEY} random characters in production")
        if self.debug:
            raise ValueError("DEBUG: should be false in production")
        if "*" in self.hosts:
            raise ValueError("ALLOWED_HOSTS: should name the hosts served, '*' is refused in production")
        if not self.site_url.startswith("https://"):
            raise ValueError("SITE_URL: should begin with https:// in production")
        if urlsplit(self.email_url).scheme == "mailbox":
            raise ValueError("EMAIL_URL: should name a mail server in production, such as smtp://host:587?tls=starttls")
        return self

    @property
    def hosts(self) -> list[str]:
        return [host.strip() for host in self.allowed_hosts.split(",") if host.strip()]

    @property
    def referral_blocked_country_list(self) -> list[str]:
        return [code.strip().upper() for code in self.referral_blocked_countries.split(",") if code.strip()]

    @property
    def is_production(self) -> bool:
        return self.mode == "production"


def read_environment() -> Environment:
    """
    Read and check every variable.

    :raises ImproperlyConfigured: naming each bad variable and what it should be
    """
    try:
        return Environment()
    except ValidationError as fault:
        lines = [_fault_line(error["loc"], error["msg"]) for error in fault.errors()]
        raise ImproperlyConfigured("\n".join(lines)) from None


def _fault_line(location: tuple[int | str, ...], message: str) -> str:
    text = message.removeprefix("Value error, ")
    return f"{str(location[0]).upper()}: {text}" if location else text


environment = read_environment()
