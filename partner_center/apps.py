from django.apps import AppConfig


class PartnerCenterConfig(AppConfig):
    """Makes the project's management commands known."""

    name = "partner_center"
