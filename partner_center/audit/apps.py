from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "partner_center.audit"
    label = "audit"

    def ready(self) -> None:
        from partner_center.audit import sign_ins

        sign_ins.install()
