/** Copy buttons: data-copy="#id" copies the text (or value) of that element. */

import { text } from "./texts.js";
import { toast } from "./toast.js";

const SAY_MS = 2000;

function select(source) {
  const range = document.createRange();
  range.selectNodeContents(source);
  const selection = getSelection();
  selection.removeAllRanges();
  selection.addRange(range);
}

async function copy(button) {
  const source = document.querySelector(button.dataset.copy);
  const label = button.querySelector("[data-copy-label]");
  try {
    await navigator.clipboard.writeText((source.value ?? source.textContent).trim());
  } catch {
    select(source);
    toast({ kind: "warning", text: text("copy_by_hand") });
    return;
  }
  const before = (button.dataset.copyBefore ??= label.textContent);
  label.textContent = text("copied");
  setTimeout(() => (label.textContent = before), SAY_MS);
}

export function startCopy() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy]");
    if (button) copy(button);
  });
}
