// Numbers as people read them.

export function short(value, digits = 3) {
  if (value === null || value === undefined) return "–";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e5 || size < 1e-3) {
    const [mantissa, exponent] = value.toExponential(digits - 1).split("e");
    return `${Number(mantissa)}e${Number(exponent)}`;
  }
  return String(Number(value.toPrecision(digits)));
}

export const finite = (value) => value !== null && value !== undefined && Number.isFinite(value);

const FEWEST = 3; // ticks, with which an axis can be read

// Round steps for an axis: 1, 2 or 5 times a power of ten; about so many, but never fewer than three.
export function ticks(low, high, count) {
  if (!(high > low)) return [low];
  const raw = (high - low) / Math.max(count, 1);
  let power = Math.floor(Math.log10(raw));
  let place = [1, 2, 5, 10].findIndex((factor) => factor * 10 ** power >= raw * (1 - 1e-9));
  for (;;) {
    const step = [1, 2, 5, 10][place] * 10 ** power;
    const found = [];
    for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++) found.push(Number((k * step).toPrecision(12)));
    if (found.length >= FEWEST || step < 1e-12 * Math.max(Math.abs(low), Math.abs(high))) return found;
    if (place > 0) place -= 1;
    else [place, power] = [2, power - 1];
  }
}

export function logTicks(low, high, count) {
  const first = Math.ceil(Math.log10(low) - 1e-9);
  const last = Math.floor(Math.log10(high) + 1e-9);
  const every = Math.max(1, Math.ceil((last - first + 1) / count));
  const found = [];
  for (let k = first; k <= last; k += every) found.push(10 ** k);
  for (const factors of [[1, 3], [1, 2, 5]]) {
    if (found.length >= FEWEST) return found;
    found.length = 0;
    for (let k = first - 1; k <= last + 1; k++) found.push(...factors.map((m) => m * 10 ** k).filter((value) => value >= low * 0.999 && value <= high * 1.001));
  }
  return found.length >= FEWEST ? found : ticks(low, high, count);
}

// Each tick with its text: as many digits as it takes to tell them apart.
export function labels(found) {
  for (let digits = 3; ; digits++) {
    const texts = found.map((tick) => short(tick, digits));
    if (digits >= 9 || new Set(texts).size === texts.length) return found.map((tick, k) => [tick, texts[k]]);
  }
}

// A note as the page says it: a sentence, without the option or argument that would change it elsewhere.
export const sentence = (note) => `${note.charAt(0).toUpperCase()}${note.slice(1)}`.replace(/ \((--[a-z-]+|`[^`]*`[^)]*)\)/, "").replace(/[^.!?]$/, "$&.");

export const escaped = (text) =>
  String(text).replace(/[&<>"]/g, (sign) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[sign]);
