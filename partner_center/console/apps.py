from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    """The shell every page stands in: navigation, icons, components, error pages, health."""

    name = "partner_center.console"
    label = "console"
