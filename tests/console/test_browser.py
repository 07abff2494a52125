"""The shell in a real browser: dialogs, choosing rows, revealing, keys, themes, widths, accessibility."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import override_settings
from django.urls import include, path
from playwright.sync_api import Page, Request, Route, expect

from partner_center.console import views

urlpatterns = [
    path("", include("partner_center.console.urls")),
    path("account/login/", views.page_not_found, name="account_login"),
    # The browser never gets here: each test answers this address itself.
    path("reveal", include(([path("", views.page_not_found, name="reveal")], "listing"))),
]

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def gallery(page: Page) -> Iterator[Page]:
    """Open the gallery; at the end no script may have failed and no policy may have been broken."""
    faults: list[str] = []
    page.on("pageerror", lambda fault: faults.append(str(fault)))
    page.on("console", lambda line: faults.append(line.text) if "Content Security Policy" in line.text else None)
    with override_settings(ROOT_URLCONF=__name__):
        page.goto("/components/")
        yield page
    assert faults == []


class Reveals:
    """Answers the reveal address and keeps what was asked."""

    def __init__(self, page: Page, *answers: tuple[int, dict[str, Any]]) -> None:
        self.asked: list[Request] = []
        self.answers = list(answers)
        page.route("**/reveal", self.answer)

    def answer(self, route: Route) -> None:
        self.asked.append(route.request)
        status, body = self.answers.pop(0)
        route.fulfill(status=status, content_type="application/json", body=json.dumps(body))

    def form(self, at: int) -> dict[str, list[str]]:
        return parse_qs(self.asked[at].post_data or "")


def masked(page: Page, row: int, field: str = "email") -> Any:
    return page.locator(f".table .masked[data-field={field}]").nth(row)


def test_a_dialog_is_filled_opened_and_gives_the_focus_back(gallery: Page) -> None:
    opener = gallery.get_by_role("link", name="Open a dialog")
    opener.click()
    dialog = gallery.get_by_role("dialog", name="Resend 3 invitations")
    expect(dialog).to_be_visible()
    assert gallery.evaluate("document.activeElement.closest('dialog') !== null")
    gallery.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(opener).to_be_focused()
    expect(gallery.locator("#dialog-slot")).to_be_empty()


@pytest.mark.parametrize("way", ["button", "backdrop"])
def test_a_dialog_closes_by_its_button_and_by_its_backdrop(gallery: Page, way: str) -> None:
    gallery.get_by_role("link", name="Open a dialog").click()
    expect(gallery.locator("#dialog")).to_be_visible()
    if way == "button":
        gallery.locator("#dialog").get_by_role("button", name="Cancel").click()
    else:
        gallery.mouse.click(5, 5)
    expect(gallery.locator("#dialog")).to_be_hidden()


def test_the_server_closes_a_dialog_and_leaves_a_toast(gallery: Page) -> None:
    gallery.get_by_role("link", name="Open a dialog").click()
    expect(gallery.locator("#dialog")).to_be_visible()
    gallery.evaluate(
        """() => {
          document.body.dispatchEvent(new CustomEvent("dialog:close", {bubbles: true}));
          document.body.dispatchEvent(new CustomEvent("toast", {bubbles: true, detail:
            {kind: "success", text: "<b>2</b> sent", href: "//evil.example/", link: "Open"}}));
        }"""
    )
    expect(gallery.locator("#dialog")).to_be_hidden()
    toast = gallery.locator("#toasts").get_by_role("status")
    expect(toast).to_contain_text("<b>2</b> sent")
    expect(toast.get_by_role("link")).to_have_count(0)


def test_rows_are_chosen_one_by_one_in_ranges_and_all(gallery: Page) -> None:
    boxes, bar, page_box = (
        gallery.locator("[data-select]"),
        gallery.locator("[data-bulk]"),
        gallery.locator("[data-select-page]"),
    )
    expect(bar).to_be_hidden()
    boxes.nth(0).click()
    boxes.nth(2).click(modifiers=["Shift"])
    expect(bar).to_contain_text("3 selected")
    assert page_box.evaluate("box => box.indeterminate")
    ids = boxes.evaluate_all("all => all.slice(0, 3).map((box) => box.value)")
    assert bar.locator("input[name=id]").evaluate_all("all => all.map((input) => input.value)") == ids

    page_box.click()
    expect(bar).to_contain_text("5 selected")
    gallery.get_by_role("button", name="Select all 412 matching this filter").click()
    expect(bar).to_contain_text("All 412 matching this filter are selected")
    expect(bar.locator("input[name=id]")).to_have_count(0)
    expect(bar.locator("input[name=all_matching]")).to_have_value("412")

    boxes.nth(1).click()
    expect(bar).to_contain_text("4 selected")
    expect(bar.locator("input[name=all_matching]")).to_have_count(0)

    gallery.locator("h1").click()
    gallery.keyboard.press("Escape")
    expect(bar).to_be_hidden()
    expect(bar.locator("input[name=id]")).to_have_count(0)


def test_a_cell_is_revealed_and_masked_again(gallery: Page) -> None:
    cell = masked(gallery, 0)
    before = cell.inner_text()
    public_id = cell.get_attribute("data-id")
    reveals = Reveals(gallery, (200, {"values": {public_id: "<i>zhang@yuanhang.example</i>"}}))
    cell.get_by_role("button").click()
    expect(cell).to_contain_text("<i>zhang@yuanhang.example</i>")
    expect(cell.get_by_role("button")).to_have_attribute("aria-pressed", "true")
    assert reveals.form(0) == {"kind": ["invitation"], "field": ["email"], "id": [public_id]}
    assert reveals.asked[0].headers["x-csrftoken"]
    cell.get_by_role("button").click()
    assert cell.inner_text() == before
    assert "zhang@" not in gallery.content()
    assert len(reveals.asked) == 1


def test_a_column_asks_once_for_the_purpose_and_for_every_row(gallery: Page) -> None:
    ids = gallery.locator(".table .masked[data-field=email]").evaluate_all("all => all.map((cell) => cell.dataset.id)")
    reveals = Reveals(
        gallery,
        (428, {"purposes": [["support", "Support call"], ["sales", "Sales"]]}),
        (200, {"values": {name: f"clear-{name}" for name in ids}}),
        (200, {"values": {}}),
    )
    column = gallery.get_by_role("button", name="Reveal the column: E-mail address")
    column.click()
    dialog = gallery.get_by_role("dialog", name="Why do you need to see this?")
    dialog.get_by_label("Sales").check()
    dialog.get_by_role("button", name="Reveal").click()
    expect(masked(gallery, 4)).to_contain_text(f"clear-{ids[4]}")
    expect(column).to_have_attribute("aria-pressed", "true")
    assert reveals.form(1)["id"] == ids
    assert reveals.form(1)["purpose"] == ["sales"]
    masked(gallery, 0, "name").get_by_role("button").click()
    expect(dialog).to_be_hidden()
    assert reveals.form(2)["purpose"] == ["sales"]


def test_no_purpose_no_second_question(gallery: Page) -> None:
    reveals = Reveals(gallery, (428, {"purposes": [["support", "Support call"]]}))
    masked(gallery, 0).get_by_role("button").click()
    expect(gallery.locator("#purpose")).to_be_visible()
    gallery.keyboard.press("Escape")
    expect(masked(gallery, 0).get_by_role("button")).not_to_have_attribute("aria-busy", "true")
    assert len(reveals.asked) == 1
    expect(masked(gallery, 0)).to_contain_text("***")


@pytest.mark.parametrize("end", ["time", "hidden", "left"])
def test_a_clear_value_does_not_stay(gallery: Page, end: str) -> None:
    gallery.clock.install()
    gallery.goto("/components/")
    cell = masked(gallery, 0)
    Reveals(gallery, (200, {"values": {cell.get_attribute("data-id"): "zhang@yuanhang.example"}}))
    cell.get_by_role("button").click()
    expect(cell).to_contain_text("zhang@")
    if end == "time":
        gallery.clock.fast_forward(29_000)
        expect(cell).to_contain_text("zhang@")
        gallery.clock.fast_forward(1_001)
    elif end == "hidden":
        gallery.evaluate(
            """() => {
              Object.defineProperty(document, "hidden", {value: true, configurable: true});
              document.dispatchEvent(new Event("visibilitychange"));
            }"""
        )
    else:
        gallery.evaluate("window.dispatchEvent(new Event('pagehide'))")
    expect(cell).not_to_contain_text("zhang@")
    assert "zhang@" not in gallery.content()


@pytest.mark.parametrize("status", [403, 404, 429])
def test_a_refused_reveal_says_why_and_shows_nothing(gallery: Page, status: int) -> None:
    Reveals(gallery, (status, {"message": "Not today."}))
    cell = masked(gallery, 0)
    before = cell.inner_text()
    cell.get_by_role("button").click()
    expect(gallery.get_by_role("alert").filter(has_text="Not today.")).to_be_visible()
    assert cell.inner_text() == before


def test_keys_work_outside_of_boxes_and_can_be_switched_off(gallery: Page) -> None:
    gallery.keyboard.press("/")
    search = gallery.locator("[data-search]")
    expect(search).to_be_focused()
    gallery.keyboard.type("j?/")
    expect(search).to_have_value("j?/")
    gallery.keyboard.press("Escape")
    gallery.keyboard.press("j")
    gallery.keyboard.press("j")
    expect(gallery.locator(".table tbody tr").nth(1)).to_be_focused()
    gallery.keyboard.press("x")
    expect(gallery.locator("[data-select]").nth(1)).to_be_checked()
    gallery.keyboard.press("?")
    help_dialog = gallery.get_by_role("dialog", name="Keyboard")
    help_dialog.get_by_label("Single keys work on this device").uncheck()
    gallery.keyboard.press("Escape")
    gallery.reload()
    gallery.keyboard.press("?")
    expect(help_dialog).to_be_hidden()


def test_the_theme_is_remembered_by_the_server(gallery: Page) -> None:
    root = gallery.locator("html")
    gallery.get_by_label("Display").click()
    gallery.get_by_role("button", name="Dark").click()
    expect(root).to_have_attribute("data-theme", "dark")
    answer = gallery.reload()
    assert answer is not None
    assert 'data-theme="dark"' in answer.text()
    gallery.get_by_label("Display").click()
    gallery.get_by_role("button", name="Like the system").click()
    gallery.reload()
    assert root.get_attribute("data-theme") is None


@pytest.mark.parametrize("width", [360, 699, 768, 1023, 1440, 2560])
def test_no_page_scrolls_sideways(gallery: Page, width: int) -> None:
    gallery.set_viewport_size({"width": width, "height": 900})
    assert gallery.evaluate("document.documentElement.scrollWidth") <= width
    if width >= 1440:
        assert gallery.locator(".table-wrap").evaluate("wrap => wrap.scrollWidth <= wrap.clientWidth")


def test_on_a_phone_the_menu_is_a_drawer(gallery: Page) -> None:
    gallery.set_viewport_size({"width": 390, "height": 844})
    opener, menu = gallery.locator("[data-sidebar-open]"), gallery.locator("#sidebar")
    expect(menu).to_be_hidden()
    opener.click()
    expect(menu).to_be_visible()
    expect(opener).to_have_attribute("aria-expanded", "true")
    gallery.keyboard.press("Escape")
    expect(menu).to_be_hidden()
    expect(opener).to_be_focused()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_axe_finds_nothing(gallery: Page, theme: str, width: int) -> None:
    gallery.set_viewport_size({"width": width, "height": 900})
    gallery.emulate_media(color_scheme=theme, reduced_motion="reduce")
    results = Axe().run(gallery)
    assert results.violations_count == 0, results.generate_report()


def test_axe_finds_nothing_in_an_open_dialog(gallery: Page) -> None:
    gallery.emulate_media(reduced_motion="reduce")
    gallery.get_by_role("link", name="Open a dialog").click()
    expect(gallery.locator("#dialog")).to_be_visible()
    results = Axe().run(gallery)
    assert results.violations_count == 0, results.generate_report()


def test_a_demo_account_fills_the_form_and_sends_nothing(gallery: Page) -> None:
    sent: list[str] = []
    # The browser may ask for the icon of the tab at any moment.
    gallery.on("request", lambda request: None if request.url.endswith(".svg") else sent.append(request.url))
    gallery.evaluate(
        """() => {
          document.querySelector("form.form").innerHTML =
            '<input name="login"><input name="password" type="password"><button type="submit">Sign in</button>';
          const account = document.createElement("button");
          Object.assign(account.dataset, {fillLogin: "bob@a.example", fillPassword: "a long secret"});
          account.type = "button";
          account.textContent = "Operator";
          document.querySelector("main").prepend(account);
        }"""
    )
    gallery.get_by_role("button", name="Operator").click()
    expect(gallery.locator("[name=login]")).to_have_value("bob@a.example")
    expect(gallery.locator("[name=password]")).to_have_value("a long secret")
    assert sent == []
