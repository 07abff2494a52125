"""What a key may do, and what its secret looks like. Pure."""

import hashlib
import re
import secrets

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

# Letters that tell people and scanners of repositories what it is.
_BEGINNING = "pck_"
_SECRET = re.compile(r"pck_[A-Za-z0-9_-]{43}")
SHOWN_OF_SECRET = 12


class Scope(TextChoices):
    """One thing that a key may do; a key of a partner works for that partner only."""

    QUOTA_READ = "quota.read", _("See quotas")
    COUPON_READ = "coupon.read", _("See issued coupons")
    COUPON_ISSUE = "coupon.issue", _("Issue coupons")
    COUPON_RECALL = "coupon.recall", _("Recall coupons")
    COUPON_LOG_READ = "coupon_log.read", _("Read the operation log")
    CONSUMPTION_WRITE = "consumption.write", _("Post consumption, refunds and locks of orders")


# Orders are the vendor's: its billing posts them, for all partners.
PLATFORM_SCOPES = frozenset({Scope.CONSUMPTION_WRITE})
PARTNER_SCOPES = frozenset(Scope) - PLATFORM_SCOPES


def new_secret() -> str:
    """Make the secret of a key: 256 random bits."""
    return _BEGINNING + secrets.token_urlsafe(32)


def may_be_secret(text: str) -> bool:
    """Tell whether a text has the shape of a secret, before anybody asks the database."""
    return _SECRET.fullmatch(text) is not None


def hash_of(secret: str) -> str:
    """Return what is stored of a secret; 256 random bits need no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()
