"""Django settings. What an operator may change is in environment.py; this file says what follows from it."""

from pathlib import Path
from typing import Any

import dj_database_url
from django.utils.translation import gettext_lazy as _

from partner_center.environment import BASE_DIR, environment
from partner_center.logs import logging_config

STATE_DIR: Path = environment.state_dir.resolve()
STATE_DIR.mkdir(parents=True, exist_ok=True)

SECRET_KEY = environment.secret_key
SECRET_KEY_FALLBACKS = [key for key in environment.secret_key_fallbacks.split(",") if key]
DEBUG = environment.debug
ALLOWED_HOSTS = environment.hosts
SITE_URL = environment.site_url
CSRF_TRUSTED_ORIGINS = [SITE_URL]

INSTALLED_APPS = [
    "partner_center.apps.PartnerCenterConfig",
    "partner_center.tenancy.apps.TenancyConfig",
    "partner_center.limits.apps.LimitsConfig",
    "partner_center.audit.apps.AuditConfig",
    "partner_center.mail.apps.MailConfig",
    "partner_center.jobs.apps.JobsConfig",
    "partner_center.verification.apps.VerificationConfig",
    "partner_center.api.apps.ApiConfig",
    "partner_center.listing.apps.ListingConfig",
    "partner_center.console.apps.ConsoleConfig",
    "customers.apps.CustomersConfig",
    "vouchers.apps.VouchersConfig",
    "invitations.apps.InvitationsConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "django_filters",
    "django_htmx",
    "django_tables2",
]

MIDDLEWARE = [
    "partner_center.headers.SecurityHeadersMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "partner_center.tenancy.middleware.TenancyMiddleware",
]

ROOT_URLCONF = "partner_center.urls"
WSGI_APPLICATION = "partner_center.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
                "partner_center.console.context.console",
            ],
        },
    },
]

SQLITE_OPTIONS = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": (
        "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;PRAGMA foreign_keys=ON;PRAGMA recursive_triggers=ON;"
    ),
}


def database() -> dict[str, Any]:
    """Describe the database: PostgreSQL by DATABASE_URL, else SQLite with the pragmas of decisions.md 5.3."""
    config: dict[str, Any] = dict(
        dj_database_url.parse(environment.database_url or f"sqlite:///{STATE_DIR / 'partner-center.sqlite3'}")
    )
    if config["ENGINE"].endswith("sqlite3"):
        config["OPTIONS"] = SQLITE_OPTIONS
        # Races need a file: threads of an in-memory database share one connection.
        config["TEST"] = {"NAME": str(STATE_DIR / "test.sqlite3")}
    else:
        config["CONN_MAX_AGE"] = 60
        config["CONN_HEALTH_CHECKS"] = True
    return config


DATABASES = {"default": database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "tenancy.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("name", "email")},
    },
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    "django.contrib.auth.hashers.ScryptPasswordHasher",
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "console:home"
LOGOUT_REDIRECT_URL = "account_login"

ACCOUNT_ADAPTER = "partner_center.console.adapter.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_RATE_LIMITS = {"login_failed": "5/15m/key,50/h/ip", "reset_password": "5/h/key,20/h/ip"}

MFA_ADAPTER = "partner_center.verification.two_step.TwoStepAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_FORMS = {
    "authenticate": "partner_center.verification.two_step.SignInForm",
    "reauthenticate": "partner_center.verification.two_step.ConfirmForm",
    "activate_totp": "partner_center.verification.two_step.ActivateForm",
}
MFA_TOTP_ISSUER = environment.product_name
MFA_TOTP_TOLERANCE = 1
# allauth keeps no list of addresses here: each belongs to a member that an admin made, or was proven by a mailed link.
MFA_ALLOW_UNVERIFIED_EMAIL = True

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("zh-hans", _("Simplified Chinese"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
LANGUAGE_COOKIE_SECURE = environment.is_production
LANGUAGE_COOKIE_SAMESITE = "Lax"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "partner_center.console.storage.HashedStaticFiles"},
}
FILES_DIR = STATE_DIR / "files"
AUDIT_ANCHOR_DIR = Path(environment.audit_anchor_dir) if environment.audit_anchor_dir else STATE_DIR / "anchors"
DATA_UPLOAD_MAX_MEMORY_SIZE = 6 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 20_000

SESSION_COOKIE_AGE = 12 * 60 * 60
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = environment.is_production
if environment.is_production:
    # Browsers accept the __Host- prefix only over https.
    SESSION_COOKIE_NAME = "__Host-sessionid"
    CSRF_COOKIE_NAME = "__Host-csrftoken"
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
CSRF_FAILURE_VIEW = "partner_center.console.views.csrf_failure"
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"

CACHES = {
    # What must outlive a process and hold for all of them: how often somebody tried to sign in, which codes were used.
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "limits_cacheentry",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    },
    # What each process may guess anew: nothing is written to the database when a page is read.
    "process": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
}

CELERY_BROKER_URL = environment.redis_url
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_SOFT_TIME_LIMIT = 90
CELERY_TASK_TIME_LIMIT = 120
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 20
CELERY_WORKER_MAX_TASKS_PER_CHILD = 500
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 300,
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
    "socket_timeout": 5,
    "socket_connect_timeout": 2,
    "socket_keepalive": True,
    "health_check_interval": 10,
}
# The database is the queue (decisions.md 5.1). A ring that nobody heard in time is worth nothing: it expires.


def every(seconds: float, task: str, *, expires: float) -> dict[str, Any]:
    """Ring a task; a bell that nobody heard within `expires` seconds is forgotten, the next one does its work."""
    return {"task": task, "schedule": seconds, "options": {"expires": expires}}


CELERY_BEAT_SCHEDULE = {
    "send due mail": every(1.0, "mail.send_due", expires=2),
    "recover crashed senders": every(10.0, "mail.recover", expires=10),
    "work due jobs": every(1.0, "jobs.work_due", expires=2),
    "delete old files": every(300.0, "jobs.delete_expired_files", expires=60),
    "expire invitations": every(5.0, "invitations.expire_due", expires=5),
    "finish associations": every(2.0, "invitations.finish_associating", expires=2),
    "re-check blocked invitations": every(60.0, "invitations.recheck_blocked", expires=60),
    "forget ended registrations": every(3600.0, "invitations.delete_ended_registrations", expires=600),
    "expire preregistrations": every(60.0, "customers.expire_preregistrations", expires=60),
    "expire coupons": every(60.0, "vouchers.expire_due", expires=60),
    "warn of expiring coupons": every(3600.0, "vouchers.announce_expiring", expires=600),
    "anchor the logs": every(3600.0, "audit.write_anchors", expires=600),
    "forget old limits": every(3600.0, "limits.delete_ended", expires=600),
    "forget old codes": every(600.0, "verification.forget_old", expires=60),
    "forget old answers": every(3600.0, "api.delete_old_answers", expires=600),
}

LOGGING = logging_config()
