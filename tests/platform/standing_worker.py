"""The product's own worker with little patience; STANDS_STILL makes its main loop hang once it is ready."""

import os
import time
from typing import Any

from celery.signals import worker_ready

from partner_center import celery

app = celery.app
celery.PATIENCE = 3.0


@worker_ready.connect
def stand_still(sender: Any, **_options: Any) -> None:
    if os.environ.get("STANDS_STILL"):
        sender.timer.call_after(0.5, time.sleep, (3600,))
