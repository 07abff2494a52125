/** On a telephone the filters fold behind one button; what folds and how wide a telephone is, list.css says. */

function fold(button, folded) {
  button.setAttribute("aria-expanded", String(!folded));
}

export function startFilters() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest(".filters-switch");
    if (button) fold(button, button.getAttribute("aria-expanded") === "true");
  });
  // What was asked for stands below: show it, and leave the keyboard at the button that says how many filters are in use.
  document.addEventListener("htmx:afterRequest", (event) => {
    const button = document.querySelector("#list-filters > .filters-switch");
    if (!event.detail.successful || event.target.id !== "list-filters" || !button?.checkVisibility()) return;
    fold(button, true);
    button.focus();
  });
}
