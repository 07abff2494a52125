"""What has been spent of every limit: one row per key, in the database, so that a dead broker opens no gate."""

from django.db import models


class Spending(models.Model):
    """How much of one limit is spent in its running window; the first spending after its end opens the next one."""

    key = models.CharField(max_length=200, unique=True)
    used = models.PositiveIntegerField(default=0)
    ends_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.used} of {self.key}"


class CacheEntry(models.Model):
    """
    What Django's database cache keeps, and with it the sign-in limits of allauth (ADR 0015).

    The columns are those of `createcachetable`. As a model it comes with the migrations, and tests empty it.
    """

    cache_key = models.CharField(max_length=255, primary_key=True)
    value = models.TextField()
    expires = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.cache_key
