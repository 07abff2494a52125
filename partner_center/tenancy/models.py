"""People and partners: who may sign in, and whose rows are whose."""

import secrets
from typing import TYPE_CHECKING, Any, Self, TypeVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from partner_center.tenancy.permissions import Permission, Role, permissions_of

M = TypeVar("M", bound=models.Model)


def new_public_id() -> str:
    """Make a random id for URLs: 128 bits, 22 characters, never a sequence (decisions.md 5.7)."""
    return secrets.token_urlsafe(16)


if TYPE_CHECKING:
    _TextField = models.CharField[str, str]
else:
    _TextField = models.CharField


class PublicIdField(_TextField):
    """The id of a row that people and URLs see."""

    def __init__(self, *args: Any, **options: Any) -> None:
        options.setdefault("max_length", 22)
        options.setdefault("unique", True)
        options.setdefault("default", new_public_id)
        options.setdefault("editable", False)
        super().__init__(*args, **options)


class PartnerOwnedQuerySet(models.QuerySet[M]):
    """Rows that belong to one partner. Every read begins with `.of(partner)`."""

    def of(self, partner: "Partner") -> Self:
        return self.filter(partner=partner)


class PartnerKind(models.TextChoices):
    CSP = "csp", _("Cloud solution provider")
    DISTRIBUTOR = "distributor", _("Distributor")
    RESELLER = "reseller", _("Reseller")
    GOVERNMENT = "gov", _("Government-cloud partner")


class BillingMode(models.TextChoices):
    PREPAID = "prepaid", _("Prepaid")
    POSTPAID = "postpaid", _("Postpaid")


class Partner(models.Model):
    """A tenant: a company that develops customers for the vendor (domain.md 3.1)."""

    public_id = PublicIdField()
    company_name = models.CharField(max_length=100)
    account_number = models.CharField(max_length=20, unique=True)
    kind = models.CharField(max_length=12, choices=PartnerKind.choices, default=PartnerKind.CSP)
    parent = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="resellers")
    country = models.CharField(max_length=2, default="CN")
    site = models.CharField(max_length=20, default="china")
    billing_mode = models.CharField(max_length=8, choices=BillingMode.choices, default=BillingMode.POSTPAID)
    may_resell = models.BooleanField(default=True)
    may_refer = models.BooleanField(default=False)
    enterprise_verified = models.BooleanField(default=True)
    was_consignment_customer = models.BooleanField(default=False)
    in_custody = models.BooleanField(default=False)
    is_customer_of_other_partner = models.BooleanField(default=False)
    referral_blocked_by_agreement = models.BooleanField(default=False)
    # "The partner uses coupons itself": then it issues none (CBC.50000010).
    own_coupon_mode = models.BooleanField(default=False)
    verification_enabled = models.BooleanField(default=False)
    available_balance_minor = models.BigIntegerField(default=0)
    currency = models.CharField(max_length=3, default="CNY")
    contact_email = models.EmailField(blank=True)
    contact_mobile = models.CharField(max_length=32, blank=True)
    language = models.CharField(max_length=10, default="en")
    time_zone = models.CharField(max_length=64, default="Asia/Shanghai")
    created_at = models.DateTimeField(default=timezone.now)
    disabled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kind="reseller", parent__isnull=False) | ~models.Q(kind="reseller"),
                name="partner_reseller_has_distributor",
            ),
        ]

    def __str__(self) -> str:
        return self.company_name

    @property
    def allowed_models(self) -> tuple[str, ...]:
        choices = (("reseller", self.may_resell), ("referral", self.may_refer))
        return tuple(model for model, allowed in choices if allowed)


class UserManager(BaseUserManager["User"]):
    """Makes people who sign in with their e-mail address."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=email.lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=(username or "").lower())


class User(AbstractBaseUser):
    """A person who can sign in: a partner's member, the vendor's staff, or a customer."""

    public_id = PublicIdField()
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=64)
    language = models.CharField(max_length=10, default="en")
    time_zone = models.CharField(max_length=64, default="Asia/Shanghai")
    is_platform_admin = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"

    def __str__(self) -> str:
        return self.name

    @property
    def is_staff(self) -> bool:
        return self.is_platform_admin

    def may(self, permission: Permission) -> bool:
        """Tell whether a page for the vendor's staff offers this: what partners grant their members they all hold."""
        return self.is_platform_admin and self.is_active


class MemberQuerySet(PartnerOwnedQuerySet["Member"]):
    def active(self) -> Self:
        return self.filter(disabled_at=None, user__is_active=True, partner__disabled_at=None)


class Member(models.Model):
    """A person's place in a partner's organisation, with one to three roles (domain.md 1.2)."""

    public_id = PublicIdField()
    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, related_name="members")
    user = models.OneToOneField(User, on_delete=models.PROTECT, related_name="member")
    roles = models.JSONField(default=list)
    created_at = models.DateTimeField(default=timezone.now)
    disabled_at = models.DateTimeField(null=True, blank=True)

    objects = MemberQuerySet.as_manager()

    def __str__(self) -> str:
        return self.user.name

    @property
    def permissions(self) -> frozenset[Permission]:
        return permissions_of(self.roles)

    def may(self, permission: Permission) -> bool:
        return permission in self.permissions

    @property
    def sees_everybody(self) -> bool:
        """Whether this member works with all customers, not only with his own (domain.md 1.2)."""
        return self.may(Permission.CUSTOMER_ALL)

    @property
    def role_labels(self) -> list[str]:
        return [str(Role(role).label) for role in self.roles if role in Role.values]


# Who looks at a list, a job or a masked value: a partner's member, or one of the vendor's staff.
Viewer = Member | User
