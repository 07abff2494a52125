"""Keys of programs, and the answers that are given again when the same request comes again."""

from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from partner_center.api.rules import Scope
from partner_center.tenancy.actors import Actor
from partner_center.tenancy.models import Partner, PublicIdField


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def working(self) -> Self:
        """Keep the keys that open something: not revoked, and no partner's that is disabled."""
        return self.filter(Q(partner=None) | Q(partner__disabled_at=None), revoked_at=None)


class ApiKey(models.Model):
    """
    What a program shows instead of a password; of its secret only the hash is stored and the beginning shown.

    :param partner: whose rows it reaches; None is the vendor's own
    """

    public_id = PublicIdField()
    name = models.CharField(max_length=64)
    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, null=True, blank=True, related_name="api_keys")
    beginning = models.CharField(max_length=12)
    secret_hash = models.CharField(max_length=64, unique=True)
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        verbose_name = _("API key")

    def __str__(self) -> str:
        return f"{self.name} ({self.beginning}…)"

    @property
    def owner(self) -> str:
        """Name it as the owner of idempotency keys."""
        return f"key:{self.public_id}"

    def may(self, scope: Scope) -> bool:
        return scope.value in self.scopes

    def actor(self, *, ip: str, request_id: str) -> Actor:
        """Speak for the program that shows this key."""
        return Actor(kind="api", name=self.name, public_id=self.public_id, ip=ip, request_id=request_id)


class KeptAnswer(models.Model):
    """
    One request that had its effect, and what was answered: the row commits with the effect, or neither does.

    :param owner: who sent it: `key:…` of a program, `member:…` of a person
    :param key: the Idempotency-Key of a program, the one-shot `op_id` of a form
    :param digest: of what was asked for
    """

    owner = models.CharField(max_length=32)
    key = models.CharField(max_length=255)
    digest = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(default=0)
    body = models.TextField(blank=True)
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["owner", "key"], name="kept_answer_once")]

    def __str__(self) -> str:
        return f"{self.status} for {self.owner}"
