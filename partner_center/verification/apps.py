from django.apps import AppConfig


class VerificationConfig(AppConfig):
    name = "partner_center.verification"
    label = "verification"

    def ready(self) -> None:
        from partner_center.verification import emails

        emails.install()
