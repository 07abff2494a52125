"""Refusal: the base of every anticipated "no"."""

from typing import ClassVar

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Text = str | Promise


class Refusal(Exception):
    """
    An answer a person can act on: what was refused, and what to do next.

    Subclasses stand beside the action that raises them and set the three class attributes;
    `values` fill the placeholders of both texts.
    """

    code: ClassVar[str] = "refused"
    message: ClassVar[Text] = _("This cannot be done now.")
    next_step: ClassVar[Text] = ""
    status: ClassVar[int] = 409

    def __init__(self, **values: object) -> None:
        super().__init__(self.code)
        self.values = values

    def __str__(self) -> str:
        return str(self.message) % self.values if self.values else str(self.message)

    @property
    def advice(self) -> str:
        return str(self.next_step) % self.values if self.values else str(self.next_step)


class Question(Refusal):
    """
    A refusal that a form can turn into a yes, such as one that asks for a code.

    `page` and `dialog` are the templates that show it, as a page of its own and inside the page it was asked on; both
    get it as `question` and post everything again that was posted (tenancy/questions.py).
    """

    page: ClassVar[str]
    dialog: ClassVar[str]
    status: ClassVar[int] = 403
