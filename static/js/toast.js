/** Short messages: good news leaves by itself, an error stays until it is closed. */

import { text } from "./texts.js";

const STAY_MS = 7000;
const ICONS = { success: "success", danger: "danger", warning: "warning" };

/** The stack moves into an open dialog, because everything outside a modal dialog is inert. */
function stack() {
  const toasts = document.getElementById("toasts");
  const home = [...document.querySelectorAll("dialog[open]")].pop() ?? document.body;
  if (toasts.parentElement !== home) home.append(toasts);
  return toasts;
}

function leaveLater(toast) {
  let timer = setTimeout(() => toast.remove(), STAY_MS);
  const hold = () => clearTimeout(timer);
  const release = () => {
    hold();
    timer = setTimeout(() => toast.remove(), STAY_MS);
  };
  toast.addEventListener("pointerenter", hold);
  toast.addEventListener("pointerleave", release);
  toast.addEventListener("focusin", hold);
  toast.addEventListener("focusout", release);
}

function settle(toast) {
  if (toast.dataset.kind !== "danger" && toast.dataset.kind !== "warning") leaveLater(toast);
}

/**
 * Show one message.
 * kind: info, success, warning or danger; href and link add one link to follow.
 */
export function toast({ kind = "info", text: message, href = "", link = "" }) {
  const name = ICONS[kind] ?? "info";
  const copy = document.getElementById("toast-template").content.querySelector(`[data-kind="${name}"]`).cloneNode(true);
  copy.querySelector("[data-toast-text]").textContent = message;
  const anchor = copy.querySelector("[data-toast-link]");
  if (href.startsWith("/") && !href.startsWith("//")) {
    anchor.href = href;
    anchor.textContent = link || text("open");
  } else {
    anchor.remove();
  }
  stack().append(copy);
  settle(copy);
}

function failure(status, requestId) {
  if (status === 403) return text("error_403");
  if (status === 404) return text("error_404");
  if (status === 429) return text("error_429");
  return requestId ? text("error_500_id", { id: requestId }) : text("error_500");
}

export function startToasts() {
  document.querySelectorAll("#toasts .toast").forEach(settle);
  document.addEventListener("click", (event) => event.target.closest("[data-toast-close]")?.closest(".toast").remove());
  document.addEventListener("toast", (event) => toast(event.detail));
  document.addEventListener("htmx:responseError", ({ detail: { xhr } }) => {
    toast({ kind: "danger", text: failure(xhr.status, xhr.getResponseHeader("X-Request-ID")) });
  });
  document.addEventListener("htmx:sendError", () => toast({ kind: "danger", text: text("error_network") }));
  document.addEventListener("htmx:timeout", () => toast({ kind: "danger", text: text("error_network") }));
  document.addEventListener("close", () => document.body.append(document.getElementById("toasts")), true);
}
