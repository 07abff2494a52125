/** The page's sentences for scripts, in the reader's language (templates/components/texts.html). */

const element = document.getElementById("texts");
const texts = element ? JSON.parse(element.textContent) : {};

/**
 * Return one sentence with its {placeholders} filled.
 * A missing key returns the key, so that a gap is seen and not silent.
 */
export function text(key, values = {}) {
  const sentence = texts[key] ?? key;
  return sentence.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/** Return a sentence about a number, written the way the reader's language groups digits. */
export function counted(key, count) {
  return text(key, { count: count.toLocaleString(document.documentElement.lang) });
}
