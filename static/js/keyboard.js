/** Single keys: / search, ? help, j and k rows, x choose, Enter open, Esc clear. They can be switched off in the help. */

import { openDialog } from "./dialog.js";
import { remember } from "./display.js";
import { clearSelection } from "./selection.js";

const enabled = () => document.body.dataset.keys !== "off";
const typing = (element) => element?.closest?.("input:not([type='checkbox'], [type='radio']), textarea, select, [contenteditable]");

function rows() {
  return [...document.querySelectorAll(".table tbody tr")];
}

function move(step) {
  const all = rows();
  if (!all.length) return;
  const at = all.indexOf(document.activeElement?.closest?.("tr"));
  const next = all[Math.min(Math.max(at + step, 0), all.length - 1)];
  next.tabIndex = -1;
  next.focus();
  next.scrollIntoView({ block: "nearest" });
}

function row() {
  const active = document.activeElement;
  return active?.matches?.(".table tbody tr") ? active : null;
}

const KEYS = {
  "/": () => focusSearch(),
  "?": () => openDialog(document.getElementById("keys")),
  j: () => move(1),
  k: () => move(-1),
  x: () => row()?.querySelector("[data-select]")?.click(),
  Enter: () => row()?.querySelector("a[data-row-link], a[href]")?.click(),
};

function focusSearch() {
  const box = document.querySelector("[data-search]");
  box?.focus();
  box?.select();
}

function onKey(event) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (document.querySelector("dialog[open]")) return;
  if (event.key === "Escape") {
    if (typing(event.target)) event.target.blur();
    else clearSelection();
    return;
  }
  const act = KEYS[event.key];
  if (!act || !enabled() || typing(event.target)) return;
  if (event.key === "Enter" && !row()) return;
  event.preventDefault();
  act();
}

export function startKeyboard() {
  document.addEventListener("keydown", onKey);
  document.addEventListener("change", (event) => {
    if (!event.target.matches("[data-keys-toggle]")) return;
    document.body.dataset.keys = event.target.checked ? "on" : "off";
    remember("keys", event.target.checked ? "" : "off");
  });
}
