from django.apps import AppConfig


class MailConfig(AppConfig):
    name = "partner_center.mail"
    label = "mail"

    def ready(self) -> None:
        from partner_center.mail import password_reset

        password_reset.install()
