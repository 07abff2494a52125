"""What the landing page lists for the customer: what is fine, what stands in the way, what to do."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from customers.rules.cause import Cause, Topic
from customers.rules.checks import checks_for
from customers.rules.facts import Model
from partner_center.refusals import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class ChecklistItem:
    """One rule. `message` and `what_to_do` are empty when it passed."""

    code: str
    title: Text
    passed: bool
    message: Text = ""
    what_to_do: Text = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChecklistSection:
    """Rules under one heading; a page names the heading alone when all of them passed."""

    topic: Topic
    items: tuple[ChecklistItem, ...]

    @property
    def title(self) -> Text:
        return self.topic.label

    @property
    def passed(self) -> bool:
        return all(item.passed for item in self.items)

    @property
    def obstacles(self) -> tuple[ChecklistItem, ...]:
        return tuple(item for item in self.items if not item.passed)


def checklist(model: Model, failing: Iterable[Cause]) -> list[ChecklistSection]:
    """
    Lay out every rule of a model under its heading, with what the customer can do about each failure.

    The partner's own state is none of the customer's business, so its section has one item only.

    :param failing: what failing_causes returned for the same model
    """
    failed = {cause.code for cause in failing}
    by_topic: dict[Topic, list[Cause]] = {topic: [] for topic in Topic}
    for cause, _fails in checks_for(model):
        if cause.topic is not None:
            by_topic[cause.topic].append(cause)
    return [_section(topic, causes, failed) for topic, causes in by_topic.items() if causes]


def _section(topic: Topic, causes: list[Cause], failed: set[str]) -> ChecklistSection:
    if topic is Topic.PARTNER:
        return ChecklistSection(topic=topic, items=(_partner_item(causes, failed),))
    return ChecklistSection(topic=topic, items=tuple(_item(cause, failed) for cause in causes))


def _item(cause: Cause, failed: set[str]) -> ChecklistItem:
    if cause.code not in failed:
        return ChecklistItem(code=cause.code, title=cause.label, passed=True)
    return ChecklistItem(
        code=cause.code,
        title=cause.label,
        passed=False,
        message=cause.customer_message,
        what_to_do=cause.customer_next_step,
    )


def _partner_item(causes: list[Cause], failed: set[str]) -> ChecklistItem:
    title = _("The partner may add customers in this model")
    for cause in causes:
        if cause.code in failed:
            return ChecklistItem(
                code="partner_account",
                title=title,
                passed=False,
                message=cause.customer_message,
                what_to_do=cause.customer_next_step,
            )
    return ChecklistItem(code="partner_account", title=title, passed=True)
