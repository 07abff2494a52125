"""What the worker does for vouchers, by subject: plans it applies, and the doorbells of Celery."""
