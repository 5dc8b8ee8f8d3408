// A chart: lines with bands, dots with error bars, levels; read out by pointer and by arrow keys.

import { element } from "/controls.js";
import { escaped, finite, labels, logTicks, short, ticks } from "/numbers.js";

const LOG_RANGE = 30; // as in jominy's figures
const LEFT = 46;
const RIGHT = 18;
const TOP = 8;
const BOTTOM = 34;

export class Chart {
  // place: an element; title; unit of x; floor: whether zero belongs on the axis; ceiling: where the axis may end at most
  constructor(place, { title, x, floor = false, ceiling = Infinity, height = 210 }) {
    Object.assign(this, { title, x, floor, ceiling, tall: height, height, cursor: null, data: null });
    place.classList.add("chart");
    const figure = element("figure", {}, place);
    const caption = element("figcaption", {}, figure);
    element("b", { textContent: title }, caption);
    this.legend = element("span", { className: "legend" }, caption);
    this.canvas = element("div", { className: "canvas", tabIndex: 0 }, figure);
    this.canvas.setAttribute("role", "img");
    this.canvas.setAttribute("aria-label", title);
    this.place = place;
    this.width = 0;
    new ResizeObserver(([entry]) => {
      const width = Math.round(entry.contentRect.width);
      if (width && width !== this.width) {
        this.width = width;
        this.paint();
      }
    }).observe(this.canvas);
    this.canvas.addEventListener("pointermove", (event) => this.point(event));
    this.canvas.addEventListener("pointerleave", () => this.move(null));
    this.canvas.addEventListener("blur", () => this.move(null));
    this.canvas.addEventListener("keydown", (event) => this.key(event));
  }

  // {x, lines: [{label, y, look, low?, high?}], levels: [{y, label}], dots: [{look, points: [[x, mean, error]]}], marks: [{x, label}]}
  draw(data) {
    this.data = data;
    this.place.hidden = data === null;
    if (data === null) return;
    if (!this.width) this.width = Math.round(this.canvas.clientWidth);
    this.paint();
  }

  paint() {
    const { data, width } = this;
    if (!data || !width) return;
    const height = (this.height = width < 460 ? Math.min(this.tall, 180) : this.tall);
    const box = (this.box = scales(data, this, width, height));
    const parts = [`<svg width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" aria-hidden="true">`];
    for (const [tick, text] of labels(box.xTicks)) {
      parts.push(`<text class="tick" x="${box.px(tick)}" y="${height - BOTTOM + 14}" text-anchor="middle">${text}</text>`);
    }
    for (const [tick, text] of labels(box.yTicks)) {
      const y = box.py(tick);
      parts.push(`<line class="grid" x1="${LEFT}" x2="${width - RIGHT}" y1="${y}" y2="${y}"/>`);
      parts.push(`<text class="tick" x="${LEFT - 5}" y="${y + 4}" text-anchor="end">${text}</text>`);
    }
    parts.push(`<text class="axis" x="${(LEFT + width - RIGHT) / 2}" y="${height - 4}" text-anchor="middle">${escaped(this.x)}</text>`);
    parts.push(`<path class="frame" d="M${LEFT} ${TOP}V${height - BOTTOM}H${width - RIGHT}"/>`);
    for (const line of data.lines) if (line.low) parts.push(`<path class="band ${line.look}" d="${band(data.x, line, box)}"/>`);
    for (const level of data.levels ?? []) if (finite(level.y) && level.y >= box.low && level.y <= box.high) parts.push(levelPart(level, box, width));
    for (const mark of data.marks ?? []) if (finite(mark.x)) parts.push(markPart(mark, box, height));
    for (const line of data.lines) parts.push(`<path class="line ${line.look}" d="${path(data.x, line.y, box)}"/>`);
    for (const set of data.dots ?? []) parts.push(dots(set, box));
    parts.push('<g class="cursor"></g></svg>');
    this.canvas.innerHTML = parts.join("");
    this.canvas.setAttribute("aria-label", spoken(this.title, data, this.x));
    this.tell();
  }

  tell() {
    const { data } = this;
    const place = this.cursor ?? data.x.length - 1;
    const items = data.lines.map((line) => {
      const value = this.cursor === null ? lastFinite(line.y) : line.y[place];
      return `<span class="key ${line.look}"><i></i>${escaped(line.label)} <b>${short(value, 4)}</b></span>`;
    });
    // Levels and marks are named here, not in the chart, where their names would lie on curves.
    for (const { look, label, y } of data.levels ?? []) {
      if (finite(y)) items.push(`<span class="key level ${look ?? ""}"><i></i>${escaped(label)} <b>${short(y, 4)}</b>${y < this.box.low || y > this.box.high ? " (beyond the axis)" : ""}</span>`);
    }
    for (const { label, x } of data.marks ?? []) if (finite(x)) items.push(`<span class="key mark"><i></i>${escaped(label)} <b>${short(x)}</b></span>`);
    if (this.cursor !== null) items.push(`<span class="key">at ${short(data.x[place])}</span>`);
    this.legend.innerHTML = items.join(" ");
    const cursor = this.canvas.querySelector(".cursor");
    if (cursor && this.cursor !== null) {
      const x = this.box.px(data.x[place]);
      const rings = data.lines.filter((line) => finite(line.y[place]) && (!this.box.log || line.y[place] > 0));
      cursor.innerHTML =
        `<line x1="${x}" x2="${x}" y1="${TOP}" y2="${this.height - BOTTOM}"/>` +
        rings.map((line) => `<circle class="${line.look}" cx="${x}" cy="${this.box.py(line.y[place])}" r="3.5"/>`).join("");
    } else if (cursor) cursor.innerHTML = "";
  }

  move(place) {
    if (!this.data || place === this.cursor) return;
    this.cursor = place === null ? null : Math.min(Math.max(place, 0), this.data.x.length - 1);
    this.tell();
  }

  point(event) {
    if (!this.data) return;
    const at = event.clientX - this.canvas.getBoundingClientRect().left;
    let best = 0;
    this.data.x.forEach((x, k) => {
      if (Math.abs(this.box.px(x) - at) < Math.abs(this.box.px(this.data.x[best]) - at)) best = k;
    });
    this.move(best);
  }

  key(event) {
    const by = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity, PageUp: 10, PageDown: -10 }[event.key];
    if (by === undefined || !this.data) return;
    event.preventDefault();
    this.move((this.cursor ?? (by < 0 ? this.data.x.length : -1)) + by);
    this.canvas.setAttribute("aria-label", `${this.title}: ${this.legend.textContent}`);
  }
}

function scales(data, chart, width, height) {
  const heights = [];
  for (const line of data.lines) heights.push(...line.y.filter(finite));
  for (const set of data.dots ?? []) heights.push(...set.points.map((point) => point[1]).filter(finite));
  let low = Math.min(...heights);
  let high = Math.max(...heights);
  if (!heights.length) [low, high] = [0, 1];
  const positive = low > 0;
  for (const level of data.levels ?? []) {
    if (finite(level.y) && level.y >= low / 3 && level.y <= high * 1.5) [low, high] = [Math.min(low, level.y), Math.max(high, level.y)];
  }
  for (const line of data.lines) {
    if (!line.low) continue;
    high = Math.max(high, Math.min(Math.max(...line.high.filter(finite), high), high * 1.5));
    low = Math.min(low, Math.max(Math.min(...line.low.filter(finite), low), low - 0.3 * (high - low), positive ? 0 : -Infinity));
  }
  const log = positive && high > LOG_RANGE * low && low > 0;
  if (!log) {
    if (low >= 0 && (chart.floor || low < 0.35 * high)) low = 0;
    if (high - low < 1e-9 * Math.max(Math.abs(high), 1e-9)) [low, high] = [low - 0.5 * Math.abs(low || 1), high + 0.5 * Math.abs(high || 1)];
    const room = 0.06 * (high - low);
    high = Math.min(high + room, Math.max(chart.ceiling, high));
    low = low === 0 ? 0 : low - room;
  } else [low, high] = [low / 1.15, high * 1.15];
  const [first, last] = [data.x[0], data.x[data.x.length - 1] || 1];
  const px = (x) => Number((LEFT + ((x - first) / (last - first || 1)) * (width - LEFT - RIGHT)).toFixed(2));
  const share = log ? (y) => Math.log(y / low) / Math.log(high / low) : (y) => (y - low) / (high - low);
  const py = (y) => Number((height - BOTTOM - Math.min(Math.max(share(y), -0.2), 1.2) * (height - TOP - BOTTOM)).toFixed(2));
  const rows = Math.max(3, Math.floor((height - TOP - BOTTOM) / 38));
  const yTicks = log ? logTicks(low, high, rows) : ticks(low, high, rows);
  return { px, py, log, low, high, xTicks: ticks(first, last, Math.max(2, Math.floor((width - LEFT) / 80))), yTicks };
}

function path(x, y, box) {
  let text = "";
  let pen = false;
  for (let k = 0; k < x.length; k++) {
    const there = finite(y[k]) && (!box.log || y[k] > 0);
    if (there) text += `${pen ? "L" : "M"}${box.px(x[k])} ${box.py(y[k])}`;
    pen = there;
  }
  return text;
}

function band(x, { low, high }, box) {
  const there = x.map((_, k) => k).filter((k) => finite(low[k]) && finite(high[k]));
  const up = there.map((k) => `${box.px(x[k])} ${box.py(Math.max(high[k], box.log ? box.low : -Infinity))}`);
  const down = there.reverse().map((k) => `${box.px(x[k])} ${box.py(Math.max(low[k], box.log ? box.low : -Infinity))}`);
  return up.length ? `M${up.join("L")}L${down.join("L")}Z` : "";
}

const levelPart = (level, box, width) => `<line class="level ${level.look ?? ""}" x1="${LEFT}" x2="${width - RIGHT}" y1="${box.py(level.y)}" y2="${box.py(level.y)}"/>`;

function markPart(mark, box, height) {
  const x = box.px(mark.x);
  return x < LEFT - 1 ? "" : `<line class="level" x1="${x}" x2="${x}" y1="${TOP}" y2="${height - BOTTOM}"/>`;
}

function dots({ look, points }, box) {
  return points
    .filter(([, mean]) => finite(mean) && (!box.log || mean > 0))
    .map(([x, mean, error]) => {
      const [cx, cy] = [box.px(x), box.py(mean)];
      const bar = finite(error) && mean - error > (box.log ? 0 : -Infinity) ? `<path class="bar ${look}" d="M${cx} ${box.py(mean - error)}V${box.py(mean + error)}"/>` : "";
      return `${bar}<circle class="dot ${look}" cx="${cx}" cy="${cy}" r="3"/>`;
    })
    .join("");
}

const lastFinite = (values) => values.findLast(finite) ?? null;

function spoken(title, data, unit) {
  const lines = data.lines.map((line) => `${line.label ? `${line.label} ` : ""}from ${short(line.y.find(finite))} to ${short(lastFinite(line.y))}`);
  return `${title} over ${unit}: ${lines.join("; ")}. Arrow keys read it out.`;
}
