"""How a view asks back: the form of a Question, filled with what was posted, and the way on once it is answered."""

from collections.abc import Iterator

from django.http import HttpResponse
from django.shortcuts import redirect, render

from partner_center.refusals import Question
from partner_center.tenancy.requests import PersonRequest

UNPROCESSABLE = 422  # htmx swaps it in
NOT_POSTED_AGAIN = frozenset({"csrfmiddlewaretoken", "code"})


def show_question(request: PersonRequest, question: Question, *, back: str) -> HttpResponse:
    """
    Ask back: in the dialog where htmx asks, else on a page of its own. The answer goes to the address of this request.

    :param back: address of the page to return to without doing anything
    """
    context = {"question": question, "posted": list(_posted(request)), "address": request.path, "back": back}
    if request.htmx:
        return render(request, question.dialog, context, status=UNPROCESSABLE)
    return render(request, question.page, context, status=question.status)


def go_to(request: PersonRequest, address: str) -> HttpResponse:
    """Lead to a page; htmx, which would put that page into the dialog, is told to open it."""
    if request.htmx:
        return HttpResponse(status=204, headers={"HX-Redirect": address})
    return redirect(address)


def _posted(request: PersonRequest) -> Iterator[tuple[str, str]]:
    for name, values in request.POST.lists():
        if name not in NOT_POSTED_AGAIN:
            yield from ((name, str(value)) for value in values)
