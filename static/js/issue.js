/** The issue page: shows the customers of the chosen source only, and what face value times customers comes to. */

const form = document.getElementById("issue");
const panels = [...form.querySelectorAll("[data-source]")];
const amount = /^(0|[1-9][0-9]{0,11})(?:\.([0-9]{1,2}))?$/;
// How many decimals the currency has, told by how the server writes one unit.
const decimals = (form.dataset.one.split(".")[1] ?? "").length;

const source = () => form.querySelector("input[name='source']:checked")?.value;

function showPanels() {
  panels.forEach((panel) => (panel.hidden = panel.dataset.source !== source()));
}

/** Return the face value in minor units, or null while it is not an amount. */
function face() {
  const match = amount.exec(form.elements.face.value.trim());
  if (!match || (match[2] && decimals === 0)) return null;
  return Number(match[1]) * 10 ** decimals + Number((match[2] ?? "").padEnd(decimals, "0"));
}

/** Return how many customers there are, or null while only the server can tell. */
function customers() {
  if (source() === "list") {
    if (form.elements.upload.files.length) return null;
    return form.elements.pasted.value.split("\n").filter((line) => line.trim()).length;
  }
  const counted = form.querySelector(`[data-source="${source()}"] [data-count]`);
  return counted ? Number(counted.dataset.count) : 0;
}

function written(minor) {
  const options = { minimumFractionDigits: decimals, maximumFractionDigits: decimals };
  return `${(minor / 10 ** decimals).toLocaleString("en", options)} ${form.dataset.currency}`;
}

function showTotal() {
  const [each, count] = [face(), customers()];
  const known = each !== null && count !== null;
  form.querySelector("[data-total]").textContent = known ? `${written(each)} × ${count} = ${written(each * count)}` : "—";
  form.querySelector("[data-over]").hidden = !known || each * count <= Number(form.dataset.balance);
}

function show() {
  showPanels();
  showTotal();
}

form.addEventListener("input", show);
form.addEventListener("change", show);
document.addEventListener("htmx:afterSettle", show);
show();
