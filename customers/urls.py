"""Addresses of the customers room: preregistrations for partners, the directory of accounts for the vendor."""

from django.urls import path

from customers.views import accounts, preregistrations

app_name = "customers"
urlpatterns = [
    path("customers/preregistrations/", preregistrations.preregistrations, name="preregistrations"),
    path("customers/preregistrations/new/", preregistrations.preregister, name="preregister"),
    path("customers/preregistrations/<slug:public_id>/withdraw/", preregistrations.withdraw, name="withdraw"),
    path("customers/accounts/", accounts.accounts, name="accounts"),
    path("customers/accounts/search/", accounts.search, name="account_search"),
    path("customers/accounts/import/", accounts.upload, name="account_upload"),
    path("customers/accounts/<slug:public_id>/", accounts.account, name="account"),
]
