"""The product's settings for processes that are killed: leases of mail may be shortened, passwords are cheap."""

import os

from partner_center.settings import *  # noqa: F403
from partner_center.settings import STORAGES

MAIL_TIME_SCALE = float(os.environ.get("FAULTS_MAIL_TIME_SCALE", "1"))
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {**STORAGES, "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
