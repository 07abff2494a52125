"""Addresses of the vouchers room: quotas, coupons, whitelists, the operation log."""

from django.urls import URLPattern

app_name = "vouchers"
urlpatterns: list[URLPattern] = []
