from django.apps import AppConfig


class VouchersConfig(AppConfig):
    """Registers with the lower rooms what vouchers add to them: hooks of associations, jobs, mails, masked fields."""

    name = "vouchers"
