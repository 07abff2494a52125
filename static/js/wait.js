/** A button that may be pressed again only after some seconds counts them down; the server counts for itself. */

function shown(seconds) {
  return ` ${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

function count(button, ends) {
  if (!button.isConnected) return;
  const left = Math.max(0, Math.ceil((ends - Date.now()) / 1000));
  button.disabled = left > 0;
  const place = button.querySelector("[data-wait-left]");
  if (place) place.textContent = left > 0 ? shown(left) : "";
  if (left > 0) setTimeout(() => count(button, ends), 500);
}

function startIn(root) {
  root.querySelectorAll("button[data-wait]").forEach((button) => {
    count(button, Date.now() + Number(button.dataset.wait) * 1000);
  });
}

export function startWaits() {
  startIn(document);
  document.addEventListener("htmx:afterSwap", (event) => startIn(event.detail.target));
}
