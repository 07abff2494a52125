"""Run administrative tasks of the Partner Center."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "partner_center.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as fault:
        # A bad value of the environment is the operator's to mend: the lines that name it, no traceback.
        sys.exit(f"The settings are not right:\n{fault}")


if __name__ == "__main__":
    main()
