/** Theme and density. Cookies remember them, so that the server renders the next page right at once. */

const YEAR = 60 * 60 * 24 * 365;

export function remember(name, value) {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  const age = value ? YEAR : 0;
  document.cookie = `${name}=${value}; Path=/; Max-Age=${age}; SameSite=Lax${secure}`;
}

function choose(name, value) {
  const root = document.documentElement;
  if (value) root.dataset[name] = value;
  else delete root.dataset[name];
  remember(name, value);
  document.querySelectorAll(`[data-set-${name}]`).forEach((button) => {
    button.setAttribute("aria-pressed", String(button.getAttribute(`data-set-${name}`) === value));
  });
}

export function startDisplay() {
  document.addEventListener("click", (event) => {
    for (const name of ["theme", "density"]) {
      const button = event.target.closest(`[data-set-${name}]`);
      if (button) choose(name, button.getAttribute(`data-set-${name}`));
    }
  });
}
