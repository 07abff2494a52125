/**
 * Dialogs. What htmx swaps into #dialog-slot or #drawer-slot opens its <dialog>; the focus returns to whoever opened it,
 * or to what has taken its place under the same id.
 * A server closes it with the response header HX-Trigger: {"dialog:close": true}.
 */

const SLOTS = { "dialog-slot": "dialog", "drawer-slot": "drawer" };
const openers = new WeakMap();

function open(dialog, opener) {
  if (dialog.open) return;
  openers.set(dialog, opener ?? document.activeElement);
  dialog.showModal();
}

function giveBackFocus(dialog) {
  const opener = openers.get(dialog);
  const again = opener?.isConnected ? opener : document.getElementById(opener?.id);
  (again ?? document.getElementById("main"))?.focus();
  openers.delete(dialog);
}

function nameAfterHeading(dialog, slot) {
  const heading = slot.querySelector("h1, h2");
  if (!heading) return;
  heading.id ||= `${slot.id}-title`;
  dialog.setAttribute("aria-labelledby", heading.id);
}

function onSwap(event) {
  const slot = event.detail.target;
  const dialog = document.getElementById(SLOTS[slot?.id] ?? "");
  if (!dialog || !slot.hasChildNodes()) return;
  nameAfterHeading(dialog, slot);
  open(dialog, event.detail.requestConfig?.elt);
  slot.querySelector("[aria-invalid='true'], [autofocus]")?.focus();
}

function onClick(event) {
  const named = event.target.closest("[data-open-dialog]");
  if (named) open(document.getElementById(named.dataset.openDialog), named);
  const dialog = event.target.closest("dialog");
  if (!dialog) return;
  if (event.target.closest("[data-dialog-close]")) dialog.close("cancel");
  else if (event.target === dialog && !inside(dialog, event)) dialog.close("cancel");
}

function inside(dialog, { clientX, clientY }) {
  const box = dialog.getBoundingClientRect();
  return clientX >= box.left && clientX <= box.right && clientY >= box.top && clientY <= box.bottom;
}

function onClose(event) {
  const dialog = event.target;
  if (!(dialog instanceof HTMLDialogElement)) return;
  giveBackFocus(dialog);
  dialog.querySelector("#dialog-slot, #drawer-slot")?.replaceChildren();
}

export function startDialogs() {
  document.addEventListener("htmx:afterSwap", onSwap);
  document.addEventListener("click", onClick);
  document.addEventListener("close", onClose, true);
  // A form that was refused comes back inside its dialog, with its faults beside the fields.
  document.querySelectorAll("dialog[data-open-now]").forEach((dialog) => open(dialog));
  document.addEventListener("dialog:close", () => {
    document.querySelectorAll("dialog[open]").forEach((dialog) => dialog.close("done"));
  });
}

export { open as openDialog };
