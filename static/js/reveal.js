/**
 * Eye buttons. The clear value exists in this page for 30 seconds at most: it is masked again on the second click,
 * when the time is up, when the tab is hidden or left, and before its row is swapped away.
 */

import { openDialog } from "./dialog.js";
import { text } from "./texts.js";
import { toast } from "./toast.js";

const SHOWN_MS = 30_000;
const shown = new Map();
let purpose = "";

const eyeOf = (cell) => cell.querySelector(".eye");
const valueOf = (cell) => cell.querySelector(".masked-value");

function mask(cell) {
  const entry = shown.get(cell);
  if (!entry) return;
  clearTimeout(entry.timer);
  shown.delete(cell);
  valueOf(cell).textContent = entry.masked;
  cell.removeAttribute("data-revealed");
  press(eyeOf(cell), false);
  refreshColumns();
}

function maskAll() {
  [...shown.keys()].forEach(mask);
}

function unmask(cell, value) {
  const masked = shown.get(cell)?.masked ?? valueOf(cell).textContent;
  clearTimeout(shown.get(cell)?.timer);
  shown.set(cell, { masked, timer: setTimeout(() => mask(cell), SHOWN_MS) });
  valueOf(cell).textContent = value;
  cell.setAttribute("data-revealed", "");
  press(eyeOf(cell), true);
}

function press(eye, on) {
  eye?.setAttribute("aria-pressed", String(on));
}

function cellsOf(column) {
  const { revealColumn: field, kind } = column.dataset;
  const room = column.closest("table, [data-selection], .list") ?? document;
  return [...room.querySelectorAll(`.masked[data-kind="${CSS.escape(kind)}"][data-field="${CSS.escape(field)}"]`)].filter(eyeOf);
}

function refreshColumns() {
  document.querySelectorAll(".eye[data-reveal-column]").forEach((column) => {
    const cells = cellsOf(column);
    press(column, cells.length > 0 && cells.every((cell) => shown.has(cell)));
  });
}

function token() {
  return JSON.parse(document.body.getAttribute("hx-headers") ?? "{}")["X-CSRFToken"] ?? "";
}

function form(cells) {
  const { kind, field } = cells[0].dataset;
  const data = new URLSearchParams({ kind, field });
  new Set(cells.map((cell) => cell.dataset.id)).forEach((id) => data.append("id", id));
  if (purpose) data.append("purpose", purpose);
  return data;
}

/** Ask the server for the clear values of these cells, all of one kind and field. */
async function ask(cells) {
  const answer = await fetch(document.body.dataset.revealUrl, {
    method: "POST",
    body: form(cells),
    headers: { "X-CSRFToken": token(), Accept: "application/json" },
    cache: "no-store",
    credentials: "same-origin",
  });
  const body = await answer.json().catch(() => ({}));
  if (answer.status === 428) {
    purpose = await askPurpose(body.purposes ?? []);
    return purpose ? ask(cells) : {};
  }
  if (!answer.ok) {
    toast({ kind: "danger", text: body.message ?? text("reveal_failed") });
    return {};
  }
  return body.values ?? {};
}

/** Ask once per page why personal data is looked at; resolves to "" when the person backs out. */
function askPurpose(purposes) {
  const dialog = document.getElementById("purpose");
  const options = purposes.map(([key, label]) => {
    const row = document.getElementById("purpose-template").content.firstElementChild.cloneNode(true);
    row.querySelector("input").value = key;
    row.querySelector("[data-purpose-label]").textContent = label;
    return row;
  });
  dialog.querySelector("[data-purposes]").replaceChildren(...options);
  dialog.returnValue = "";
  openDialog(dialog);
  return new Promise((resolve) => {
    dialog.addEventListener(
      "close",
      () => {
        const chosen = dialog.returnValue === "ok" ? dialog.querySelector("input:checked")?.value : "";
        resolve(chosen ?? "");
      },
      { once: true },
    );
  });
}

async function reveal(eye, cells) {
  if (!cells.length || eye.getAttribute("aria-busy") === "true") return;
  eye.setAttribute("aria-busy", "true");
  try {
    const values = await ask(cells);
    // Hidden or swapped away while the answer was on its way: nobody is looking, show nothing.
    if (document.hidden) return;
    cells.filter((cell) => cell.isConnected && cell.dataset.id in values).forEach((cell) => unmask(cell, values[cell.dataset.id]));
    refreshColumns();
  } catch {
    toast({ kind: "danger", text: text("error_network") });
  } finally {
    eye.removeAttribute("aria-busy");
  }
}

function onClick(event) {
  const eye = event.target.closest(".eye");
  if (!eye) return;
  event.preventDefault();
  const column = "revealColumn" in eye.dataset;
  const cells = column ? cellsOf(eye) : [eye.closest(".masked")];
  if (eye.getAttribute("aria-pressed") === "true") cells.forEach(mask);
  else reveal(eye, cells);
}

function onSwap(event) {
  const target = event.detail?.target;
  [...shown.keys()].filter((cell) => !target || target.contains(cell)).forEach(mask);
}

export function startReveal() {
  document.addEventListener("click", onClick);
  document.addEventListener("visibilitychange", () => document.hidden && maskAll());
  window.addEventListener("pagehide", maskAll);
  document.addEventListener("htmx:beforeSwap", onSwap);
  document.addEventListener("htmx:beforeHistorySave", maskAll);
}
