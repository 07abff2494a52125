/**
 * Choosing rows. Inside one [data-selection]: the page checkbox [data-select-page], row checkboxes [data-select] whose
 * value is the public id, and the bar form [data-bulk], which gets one hidden input name=id per row — or
 * all_matching=<N>, the number the button named, and no ids.
 */

import { counted } from "./texts.js";

let last = null;

const rows = (list) => [...list.querySelectorAll("[data-select]:not(:disabled)")];

function hidden(name, value) {
  const input = document.createElement("input");
  input.type = "hidden";
  input.name = name;
  input.value = value;
  return input;
}

function show(list) {
  const bar = list.querySelector("[data-bulk]");
  const page = list.querySelector("[data-select-page]");
  const all = rows(list);
  const chosen = all.filter((box) => box.checked);
  if (page) {
    page.checked = all.length > 0 && chosen.length === all.length;
    page.indeterminate = chosen.length > 0 && !page.checked;
  }
  if (!bar) return;
  const total = Number(bar.dataset.total || 0);
  if (chosen.length < all.length) delete bar.dataset.all;
  fill(bar, chosen, "all" in bar.dataset ? total : 0);
  offerAll(bar, chosen.length > 0 && chosen.length === all.length && total > all.length, total);
}

function fill(bar, chosen, everything) {
  const slot = bar.querySelector("[data-bulk-inputs]");
  slot.replaceChildren(
    ...(everything ? [hidden("all_matching", everything)] : chosen.map((box) => hidden("id", box.value))),
  );
  const count = everything || chosen.length;
  bar.querySelector("[data-bulk-count]").textContent = count ? counted(everything ? "all_selected" : "selected", count) : "";
  bar.querySelectorAll("[data-bulk-label]").forEach((label) => (label.textContent = ` (${count.toLocaleString(document.documentElement.lang)})`));
  bar.hidden = count === 0;
}

function offerAll(bar, offered, total) {
  const button = bar.querySelector("[data-select-all]");
  if (!button) return;
  button.hidden = !offered || "all" in bar.dataset;
  button.textContent = counted("select_all", total);
}

function setAll(list, on) {
  rows(list).forEach((box) => (box.checked = on));
  if (!on) delete list.querySelector("[data-bulk]")?.dataset.all;
  show(list);
}

function range(list, box) {
  const all = rows(list);
  const [from, to] = [all.indexOf(last), all.indexOf(box)].sort((a, b) => a - b);
  if (from < 0) return;
  all.slice(from, to + 1).forEach((each) => (each.checked = box.checked));
}

function onClick(event) {
  const list = event.target.closest("[data-selection]");
  if (!list) return;
  const box = event.target.closest("[data-select]");
  if (box) {
    if (event.shiftKey && last?.isConnected) range(list, box);
    last = box;
    show(list);
  } else if (event.target.closest("[data-select-page]")) {
    setAll(list, event.target.checked);
  } else if (event.target.closest("[data-select-all]")) {
    list.querySelector("[data-bulk]").dataset.all = "";
    show(list);
    list.querySelector("[data-bulk-count]").focus?.();
  } else if (event.target.closest("[data-clear-selection]")) {
    setAll(list, false);
    list.querySelector("[data-select-page]")?.focus();
  }
}

/** Clear every selection on the page; return whether there was one. */
export function clearSelection() {
  const lists = [...document.querySelectorAll("[data-selection]")].filter((list) => rows(list).some((box) => box.checked));
  lists.forEach((list) => setAll(list, false));
  return lists.length > 0;
}

export function startSelection() {
  const refresh = () => document.querySelectorAll("[data-selection]").forEach(show);
  document.addEventListener("click", onClick);
  document.addEventListener("htmx:afterSettle", refresh);
  window.addEventListener("pageshow", refresh);
  refresh();
}
