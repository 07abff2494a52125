// Tells the server that a person opened the invitation: mail scanners fetch pages but run no scripts.
const page = document.querySelector("[data-opened-url]");
if (page) {
  const token = JSON.parse(document.body.getAttribute("hx-headers") || "{}")["X-CSRFToken"] || "";
  fetch(page.dataset.openedUrl, { method: "POST", headers: { "X-CSRFToken": token }, credentials: "same-origin" });
}
