"""What a member is told who has to confirm a deed with a code: the questions that `actions.check` raises."""

from collections.abc import Callable
from typing import ClassVar

from django.utils.functional import lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from partner_center.refusals import Question, Refusal
from partner_center.verification.models import Challenge
from partner_center.verification.rules import About, Channel, WhyVoid, sentence


def _tries_left(count: int) -> str:
    return ngettext("You have %(count)d try left.", "You have %(count)d tries left.", count) % {"count": count}


lazy_tries_left: Callable[[int], str] = lazy(_tries_left, str)


class CodeAsked(Question):
    """
    The base of every question for a code; a view shows any of them with `show_question`.

    :param operation: what is to be confirmed
    :param about: what it comes to
    :param challenge: the question that is open; None where a new code has to be asked for first
    :param target: where the code went, masked
    :param resend_after: seconds until another code may be asked for
    :param sends_left: how many codes may still be sent today
    """

    page: ClassVar[str] = "verification/ask.html"
    dialog: ClassVar[str] = "verification/_dialog.html"

    def __init__(
        self,
        *,
        operation: str,
        about: About,
        challenge: Challenge | None,
        target: str,
        has_app: bool,
        resend_after: int,
        sends_left: int,
        **values: object,
    ) -> None:
        super().__init__(**values)
        self.operation = operation
        self.about = about
        self.challenge = challenge
        self.target = target
        self.has_app = has_app
        self.resend_after = resend_after
        self.sends_left = sends_left

    @property
    def sentence(self) -> str:
        return sentence(self.operation, self.about)

    @property
    def is_fault(self) -> bool:
        """Whether something went wrong, so that the form says it in its own voice."""
        return not isinstance(self, CodeNeeded)

    @property
    def by_app(self) -> bool:
        return self.challenge is not None and self.challenge.channel == Channel.APP


class CodeNeeded(CodeAsked):
    code = "code_needed"
    message = _("This has to be confirmed with a verification code.")
    next_step = _("Enter the code.")


class CodeUnreadable(CodeAsked):
    """What was typed cannot be a code; no try is lost."""

    code = "code_unreadable"
    message = _("A code has six digits.")
    next_step = _("Look at it again.")


class CodeWrong(CodeAsked):
    code = "code_wrong"
    message = _("This code is not right.")
    next_step = _("%(left)s")

    def __init__(self, *, tries_left: int, **question: object) -> None:
        super().__init__(left=lazy_tries_left(tries_left), **question)  # type: ignore[arg-type]
        self.tries_left = tries_left


class CodeVoid(CodeAsked):
    """The code is dead, right or wrong."""

    code = "code_void"
    message = _("This code is no longer valid. %(why)s")
    next_step = _("Ask for a new one.")

    def __init__(self, *, why: WhyVoid, **question: object) -> None:
        super().__init__(why=why.label, **question)  # type: ignore[arg-type]
        self.why = why


class TooManyCodes(CodeAsked):
    """A code was asked for too soon, or too often in an hour or a day."""

    code = "too_many_codes"
    message = _("You cannot ask for another code yet.")
    next_step = _("Try again in %(wait)s.")
    status = 429


class TooManyTries(CodeAsked):
    """Codes of the app were wrong too often, whatever they were typed for."""

    code = "too_many_tries"
    message = _("Codes of your authenticator app were wrong too often.")
    next_step = _("Try again in %(wait)s.")
    status = 429


class AlreadySpent(Refusal):
    """A proof that somebody else has spent in the same moment, or that is of another deed."""

    code = "code_already_spent"
    message = _("This has already been confirmed with this code.")
    next_step = _("Look whether it was done; if not, ask for a new code.")
    status = 403
