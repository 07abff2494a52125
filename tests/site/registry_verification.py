"""The addresses of verification: the partner's switch, and everybody's own two-step verification."""

from partner_center.tenancy.permissions import Permission
from tests.people import PASSWORD
from tests.site.addresses import ANSWER_REDIRECT, COUNTED_TRIES, EVERYBODY, SIGNED_IN, Address

SECURITY = Permission.SETTINGS_SECURITY

ADDRESSES = [
    Address(name="verification:security", who=SECURITY, right="alice"),
    Address(
        name="verification:switch_on",
        who=SECURITY,
        method="POST",
        right="alice",
        answer=ANSWER_REDIRECT,
        deeds=("verification_switched",),
    ),
    # It is off in the small world; what switching off asks for stands in tests/verification.
    Address(name="verification:switch_off", who=SECURITY, method="POST", right="alice", answer=ANSWER_REDIRECT),
    Address(
        name="account_reauthenticate",
        who=SIGNED_IN,
        method="GET POST",
        data=lambda _: {"password": PASSWORD},
        answer=ANSWER_REDIRECT,
        reading_writes=COUNTED_TRIES,
    ),
    # Without a sign-in under way, or without an app, each of these leads elsewhere.
    Address(name="mfa_authenticate", who=EVERYBODY, method="GET POST", answer=ANSWER_REDIRECT),
    Address(name="mfa_reauthenticate", who=SIGNED_IN, method="GET POST", answer=ANSWER_REDIRECT),
    Address(name="mfa_index", who=SIGNED_IN),
    Address(name="mfa_activate_totp", who=SIGNED_IN, method="GET POST", answer=ANSWER_REDIRECT),
    Address(name="mfa_deactivate_totp", who=SIGNED_IN, method="GET POST", answer=404),
    Address(name="mfa_view_recovery_codes", who=SIGNED_IN, answer=404),
    Address(name="mfa_generate_recovery_codes", who=SIGNED_IN, method="GET POST", answer=ANSWER_REDIRECT),
    Address(name="mfa_download_recovery_codes", who=SIGNED_IN, answer=404),
]
