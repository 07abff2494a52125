from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "partner_center.api"
    label = "api"
