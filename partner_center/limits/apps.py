from django.apps import AppConfig


class LimitsConfig(AppConfig):
    name = "partner_center.limits"
    label = "limits"
