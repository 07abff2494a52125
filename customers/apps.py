from django.apps import AppConfig


class CustomersConfig(AppConfig):
    """Lets the masked fields of preregistrations be revealed."""

    name = "customers"

    def ready(self) -> None:
        from customers import tables

        tables.register_reveal()
