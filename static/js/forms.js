/** A pressed button shows that it works, and cannot be pressed twice. */

function busy(button, on) {
  if (!button) return;
  if (on) button.setAttribute("aria-busy", "true");
  else button.removeAttribute("aria-busy");
}

function pressed(form) {
  return form.querySelector("button[aria-busy='true']");
}

function onSubmit(event) {
  const form = event.target;
  if (pressed(form)) {
    event.preventDefault();
    event.stopPropagation();
    return;
  }
  const download = form.hasAttribute("data-download") || form.target === "_blank" || form.method === "dialog";
  if (!download) busy(event.submitter, true);
}

function onRequestEnd(event) {
  const form = event.detail.elt.closest?.("form");
  if (form) busy(pressed(form), false);
}

/** Fill the sign-in form with a demo account; nothing is sent yet. */
function fillLogin({ fillLogin: email, fillPassword: password }) {
  const form = document.querySelector("form.form");
  form.elements.login.value = email;
  form.elements.password.value = password;
  form.querySelector("button[type='submit']").focus();
}

export function startForms() {
  document.addEventListener("submit", onSubmit, true);
  document.addEventListener("htmx:afterRequest", onRequestEnd);
  // The back button may bring a page back as it was left: with a button that still works.
  window.addEventListener("pageshow", ({ persisted }) => {
    if (persisted) document.querySelectorAll("button[aria-busy='true']").forEach((button) => busy(button, false));
  });
  document.addEventListener("click", (event) => {
    const account = event.target.closest("[data-fill-login]");
    if (account) fillLogin(account.dataset);
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-submit-on-change]")) event.target.form.requestSubmit();
  });
}
