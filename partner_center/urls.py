"""Every address of the site: one include per room."""

from allauth.account import views as account
from allauth.mfa.base import views as two_step
from allauth.mfa.recovery_codes import views as recovery_codes
from allauth.mfa.totp import views as totp
from django.contrib.auth.decorators import login_required
from django.urls import URLPattern, URLResolver, include, path, re_path
from django.views.decorators.http import require_http_methods, require_safe
from django.views.generic import RedirectView

from partner_center.api.composition import make_api
from vouchers import api as vouchers_api

# allauth would take a PUT for a POST, and an OPTIONS for a GET that spends the key of a password reset.
form_page = require_http_methods(["GET", "HEAD", "POST"])

# Of allauth only what the product offers; nobody signs up by himself (console/adapter.py).
account_patterns: list[URLPattern | URLResolver] = [
    path("login/", form_page(account.login), name="account_login"),
    path("logout/", form_page(account.logout), name="account_logout"),
    path("inactive/", form_page(account.account_inactive), name="account_inactive"),
    path("signup/", RedirectView.as_view(pattern_name="account_login"), name="account_signup"),
    path("reauthenticate/", form_page(account.reauthenticate), name="account_reauthenticate"),
    path("password/change/", form_page(account.password_change), name="account_change_password"),
    path("password/set/", form_page(account.password_set), name="account_set_password"),
    path("password/reset/", form_page(account.password_reset), name="account_reset_password"),
    path("password/reset/done/", form_page(account.password_reset_done), name="account_reset_password_done"),
    re_path(
        r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        form_page(account.password_reset_from_key),
        name="account_reset_password_from_key",
    ),
    path(
        "password/reset/key/done/",
        form_page(account.password_reset_from_key_done),
        name="account_reset_password_from_key_done",
    ),
]

two_step_patterns: list[URLPattern | URLResolver] = [
    path("", require_safe(two_step.index), name="mfa_index"),
    path("authenticate/", form_page(two_step.authenticate), name="mfa_authenticate"),
    path("reauthenticate/", form_page(two_step.reauthenticate), name="mfa_reauthenticate"),
    # allauth would keep what a stranger posts in a session before it asks who that is.
    path("app/on/", login_required(form_page(totp.activate_totp)), name="mfa_activate_totp"),
    path("app/off/", form_page(totp.deactivate_totp), name="mfa_deactivate_totp"),
    path("recovery-codes/", require_safe(recovery_codes.view_recovery_codes), name="mfa_view_recovery_codes"),
    path(
        "recovery-codes/new/",
        login_required(form_page(recovery_codes.generate_recovery_codes)),
        name="mfa_generate_recovery_codes",
    ),
    path(
        "recovery-codes/file/",
        require_safe(recovery_codes.download_recovery_codes),
        name="mfa_download_recovery_codes",
    ),
]

api = make_api(*vouchers_api.routers)

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("partner_center.console.urls")),
    path("account/", include(account_patterns)),
    path("account/two-step/", include(two_step_patterns)),
    path("jobs/", include("partner_center.jobs.urls")),
    path("mail/", include("partner_center.mail.urls")),
    path("", include("partner_center.verification.urls")),
    path("reveal/", include("partner_center.listing.urls")),
    path("api/v1/", api.urls),
    path("", include("customers.urls")),
    path("", include("vouchers.urls")),
    path("", include("invitations.urls")),
]

handler400 = "partner_center.console.views.bad_request"
handler403 = "partner_center.console.views.permission_denied"
handler404 = "partner_center.console.views.page_not_found"
handler500 = "partner_center.console.views.server_error"
