"""Settings of the senders that are killed: the product's, with a mail server and a faster clock."""

import os

from partner_center.settings import *  # noqa: F403

MAIL_URL = os.environ["SINK_URL"]
MAIL_TIME_SCALE = 0.2
