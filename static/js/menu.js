/** Menus are <details class="menu">: they open without a script. This closes them, and works the sidebar drawer. */

const root = document.documentElement;
const small = window.matchMedia("(max-width: 1023px)");

function closeMenus(except = null) {
  document.querySelectorAll("details.menu[open]").forEach((menu) => {
    if (menu !== except) menu.open = false;
  });
}

function setSidebar(open) {
  const opener = document.querySelector("[data-sidebar-open]");
  const sidebar = document.getElementById("sidebar");
  if (!opener || !sidebar) return;
  const wasOpen = root.dataset.sidebar === "open";
  if (open) root.dataset.sidebar = "open";
  else delete root.dataset.sidebar;
  opener.setAttribute("aria-expanded", String(open));
  document.querySelector(".shell-body")?.toggleAttribute("inert", open);
  if (open) sidebar.querySelector("a, button")?.focus();
  else if (wasOpen) opener.focus();
}

function onKey(event) {
  if (event.key !== "Escape") return;
  const menu = document.querySelector("details.menu[open]");
  if (menu) {
    menu.open = false;
    menu.querySelector("summary").focus();
    event.stopPropagation();
  } else if (root.dataset.sidebar === "open") {
    setSidebar(false);
  }
}

export function startMenus() {
  document.addEventListener("click", (event) => {
    closeMenus(event.target.closest("details.menu"));
    if (event.target.closest("[data-sidebar-open]")) setSidebar(true);
    else if (event.target.closest("[data-sidebar-close], .sidebar-backdrop")) setSidebar(false);
  });
  document.addEventListener("focusout", (event) => {
    const menu = event.target.closest("details.menu[open]");
    if (menu && event.relatedTarget && !menu.contains(event.relatedTarget)) menu.open = false;
  });
  document.addEventListener("keydown", onKey, true);
  small.addEventListener("change", () => setSidebar(false));
}
