"""Permission keys and the preset roles that hold them (domain.md 1.2, 1.4). Pure."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

MOST_ROLES = 3


class Permission(TextChoices):
    """One right. Deny by default: who does not hold the key may not."""

    INVITATION_READ = "invitation.read", _("See invitations")
    INVITATION_SEND = "invitation.send", _("Send and resend invitations")
    INVITATION_EXPORT = "invitation.export", _("Export invitations")
    CUSTOMER_READ = "customer.read", _("See customers")
    CUSTOMER_PREREGISTER = "customer.preregister", _("Preregister customers")
    CUSTOMER_UNMASK = "customer.unmask", _("Reveal masked fields")
    CUSTOMER_ALL = "customer.all", _("Work with the customers of everybody")
    AUDIT_READ = "audit.read", _("Read the audit log")
    QUOTA_READ = "quota.read", _("See quotas")
    COUPON_READ = "coupon.read", _("See issued coupons")
    COUPON_ISSUE = "coupon.issue", _("Issue coupons")
    COUPON_RECALL = "coupon.recall", _("Recall coupons")
    WHITELIST_READ = "whitelist.read", _("See whitelists")
    WHITELIST_IMPORT = "whitelist.import", _("Import whitelists")
    COUPON_LOG_READ = "coupon_log.read", _("Read the operation log")
    COUPON_LOG_EXPORT = "coupon_log.export", _("Export the operation log")
    SETTINGS_SECURITY = "settings.security", _("Change security settings")


class Role(TextChoices):
    """A preset bundle of permissions that a partner admin gives to a member."""

    ADMIN = "admin", _("Partner admin")
    OPERATOR = "operator", _("Operator")
    ACCOUNT_MANAGER = "account_manager", _("Account manager")
    ACCOUNT_DIRECTOR = "account_director", _("Account director")
    FINANCE = "finance", _("Finance")
    AUDITOR = "auditor", _("Auditor")


_READ = frozenset({Permission.INVITATION_READ, Permission.CUSTOMER_READ})
_DEVELOP = _READ | {
    Permission.INVITATION_SEND,
    Permission.INVITATION_EXPORT,
    Permission.CUSTOMER_PREREGISTER,
    Permission.CUSTOMER_UNMASK,
}

_READ_COUPONS = frozenset(
    {Permission.QUOTA_READ, Permission.COUPON_READ, Permission.WHITELIST_READ, Permission.COUPON_LOG_READ}
)
_GIVE = _READ_COUPONS | {
    Permission.COUPON_ISSUE,
    Permission.COUPON_RECALL,
    Permission.WHITELIST_IMPORT,
    Permission.COUPON_LOG_EXPORT,
}

PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.ADMIN: frozenset(Permission),
    Role.OPERATOR: _DEVELOP | {Permission.CUSTOMER_ALL},
    Role.ACCOUNT_MANAGER: _DEVELOP,
    Role.ACCOUNT_DIRECTOR: _DEVELOP | {Permission.CUSTOMER_ALL},
    Role.FINANCE: _READ | _GIVE | {Permission.CUSTOMER_ALL, Permission.CUSTOMER_UNMASK},
    Role.AUDITOR: _READ
    | _READ_COUPONS
    | {
        Permission.CUSTOMER_ALL,
        Permission.INVITATION_EXPORT,
        Permission.COUPON_LOG_EXPORT,
        Permission.AUDIT_READ,
    },
}

_EXCLUSIVE = {Role.ACCOUNT_MANAGER, Role.ACCOUNT_DIRECTOR}


def permissions_of(roles: list[str]) -> frozenset[Permission]:
    """Unite the permissions of several roles; unknown roles grant nothing."""
    held: frozenset[Permission] = frozenset()
    for role in roles:
        if role in Role.values:
            held |= PERMISSIONS[Role(role)]
    return held


def why_not_these_roles(roles: list[str]) -> str | None:
    """Return why a member cannot hold these roles together, or None (domain.md 1.2)."""
    if not 1 <= len(set(roles)) <= MOST_ROLES or not set(roles) <= set(Role.values):
        return str(_("Choose one to three roles."))
    if Role.ADMIN in roles and len(roles) > 1:
        return str(_("A partner admin holds no other role."))
    if set(roles) >= _EXCLUSIVE:
        return str(_("Account manager and account director exclude each other."))
    return None
