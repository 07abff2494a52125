from django.apps import AppConfig


class TenancyConfig(AppConfig):
    name = "partner_center.tenancy"
    label = "tenancy"
