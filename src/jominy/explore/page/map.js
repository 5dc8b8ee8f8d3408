// The fourth tab: a map over radius and rate; a click, or Enter after the arrow keys, sets the sliders.

import { Fresh, Latest, Replaced, askJson, comeFirst, meanwhile } from "/api.js";
import { element } from "/controls.js";
import { finite, labels, logTicks, short, ticks } from "/numbers.js";

const REGIMES = {
  completed: ["completed", "trains", ""],
  collapsed: ["collapsed", "collapses to zero", "M2 2h2M7 7h2"],
  diverged: ["diverged", "diverges", "M0 10L10 0"],
  "unstable tail events": ["unstable", "typical runs diverge", "M0 0L10 10"],
  "stuck at zero": ["stuck", "stuck at zero", "M5 0V10M0 5H10"],
};
const OTHER = ["other", "not integrated to the end, or a numerical failure", "M0 0L10 10M0 10L10 0"];
const LOG_RANGE = 8; // largest risk over the smallest from which on shades are factors
const [LEFT, RIGHT, TOP, BOTTOM] = [58, 12, 10, 40];
const byId = (id) => document.getElementById(id);

export class PhaseMap {
  // curves: the first tab, whose settings the map is around
  constructor(curves) {
    this.curves = curves;
    this.panel = byId("panel-map");
    const place = byId("map");
    const bar = element("div", { className: "mapbar" }, place);
    const label = element("label", { textContent: "show " }, bar);
    this.show = element("select", { id: "map-show" }, label);
    for (const [value, words] of [["risk", "adversarial risk at the end"], ["regime", "regimes"]]) element("option", { value, textContent: words }, this.show);
    this.here = element("span", { id: "map-here" }, bar);
    this.here.setAttribute("role", "status");
    this.here.setAttribute("aria-live", "polite");
    this.canvas = element("div", { className: "canvas", tabIndex: 0, id: "map-canvas" }, place);
    this.canvas.setAttribute("role", "application");
    this.canvas.setAttribute("aria-label", "Phase diagram, radius across, rate upwards. Arrow keys move the cross by one cell; the sliders follow.");
    this.keys = element("div", { className: "mapkeys" }, place);
    this.show.addEventListener("change", () => this.draw());
    this.canvas.addEventListener("click", (event) => this.click(event));
    this.canvas.addEventListener("keydown", (event) => this.key(event));
    this.fresh = new Fresh([place], [place], () => {});
    this.latest = new Latest((state, outdated) => this.fetchMap(state, outdated));
    new ResizeObserver(() => this.draw()).observe(this.canvas);
    this.drawn = 0;
  }

  // What the map depends on: everything but its two axes and the schedule.
  around() {
    return { ...this.curves.asked(), radius: 0.5, rate: 0.5, schedule: "constant" };
  }

  refresh() {
    const state = this.around();
    if (this.asked === JSON.stringify(state)) return this.found && this.shown();
    this.asked = JSON.stringify(state);
    this.fresh.asked();
    this.say("computing", this.task(state), "busy");
    this.latest.call(state);
  }

  task(state) {
    return state.problem === "own" ? "Forecasts over radius and rate; on samples of your own this may take a minute." : "225 forecasts, as lanes of one program.";
  }

  async fetchMap(state, outdated) {
    const ended = meanwhile("slow", (_, others) => this.say(others ? "waiting" : "computing", others ? comeFirst(others) : this.task(state), "busy"));
    try {
      this.found = await askJson("map", { state }, { outdated, busy: (told) => this.say("busy", told, "busy") });
      const more = this.asked !== JSON.stringify(state);
      this.fresh.answered(more);
      if (more) this.draw();
      else this.shown();
    } catch (error) {
      if (error instanceof Replaced || outdated()) return;
      this.asked = null;
      this.fresh.failed();
      this.say("no map", error.message, "warn");
    } finally {
      ended();
    }
  }

  shown() {
    if (this.panel.querySelector(".stale") === null) {
      const { radius, rate } = this.found;
      this.say("ready", `${radius.length * rate.length} forecasts. A click sets radius and rate; so do the arrow keys. Lines are the theory's borders.`, "");
    }
    this.draw();
  }

  say(word, words, look) {
    const state = this.panel.querySelector(".state");
    state.className = `state ${look}`;
    state.querySelector(".word").textContent = word;
    state.querySelector(".words").textContent = words;
  }

  draw() {
    const width = Math.round(this.canvas.clientWidth);
    if (!this.found || !width) return;
    const { radius, rate, status, risk, lines } = this.found;
    const height = Math.min(460, Math.max(280, Math.round(width * 0.62)));
    const [r0, r1, g0, g1] = [radius[0], radius.at(-1), rate[0], rate.at(-1)];
    const px = (r) => LEFT + ((r - r0) / (r1 - r0)) * (width - LEFT - RIGHT);
    const py = (g) => height - BOTTOM - (Math.log(g / g0) / Math.log(g1 / g0)) * (height - TOP - BOTTOM);
    this.box = { px, py, r0, r1, g0, g1, width, height };
    const columns = edges(radius, px, LEFT, width - RIGHT);
    const rows = edges(rate, py, height - BOTTOM, TOP);
    const pattern = (id, look, d) => `<pattern id="${id}-${look}" width="10" height="10" patternUnits="userSpaceOnUse"><path class="hatch ${id}" d="${d}"/></pattern>`;
    const patterns = [...Object.values(REGIMES), OTHER].filter(([, , hatch]) => hatch).flatMap(([look, , hatch]) => ["p", "light", "dark"].map((id) => pattern(id, look, hatch)));
    const parts = [`<svg width="${width}" height="${height}" aria-hidden="true"><defs>${patterns.join("")}</defs>`];
    const known = risk.flat().filter(finite);
    const [low, high] = [Math.min(...known), Math.max(...known)];
    const byRisk = this.show.value === "risk";
    const log = low > 0 && high > LOG_RANGE * low;
    const dark = (value) => (log ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low || 1));
    radius.forEach((_, i) => rate.forEach((__, j) => {
      const [x, y] = [columns[i], rows[j + 1]];
      const size = `x="${x.toFixed(1)}" y="${y.toFixed(1)}" width="${(columns[i + 1] - x + 0.4).toFixed(1)}" height="${(rows[j] - y + 0.4).toFixed(1)}"`;
      const [look, , hatch] = REGIMES[status[i][j]] ?? OTHER;
      const share = byRisk && finite(risk[i][j]) ? dark(risk[i][j]) : null;
      parts.push(`<rect class="cell ${share === null ? look : ""}" ${share === null ? "" : `fill="${shade(share)}"`} ${size}/>`);
      if (hatch) parts.push(`<rect fill="url(#${share === null ? "p" : share > 0.5 ? "light" : "dark"}-${look})" ${size}/>`);
    }));
    for (const [name, look] of [["stable_rate", "stable"], ["divergent_rate", "divergent"]]) {
      const g = lines[name];
      if (finite(g) && g > g0 && g < g1 && !(name === "divergent_rate" && g === lines.stable_rate)) parts.push(`<path class="border ${look}" d="M${LEFT} ${py(g)}H${width - RIGHT}"/>`);
    }
    const collapse = lines.collapse_radius;
    if (finite(collapse) && collapse > r0 && collapse < r1) parts.push(`<path class="border" d="M${px(collapse)} ${TOP}V${height - BOTTOM}"/>`);
    for (const [tick, text] of labels(ticks(r0, r1, Math.floor(width / 90)))) parts.push(`<text class="tick" x="${px(tick)}" y="${height - BOTTOM + 15}" text-anchor="middle">${text}</text>`);
    for (const [tick, text] of labels(logTicks(g0, g1, 6))) parts.push(`<text class="tick" x="${LEFT - 6}" y="${py(tick) + 4}" text-anchor="end">${text}</text>`);
    parts.push(`<text class="axis" x="${(LEFT + width - RIGHT) / 2}" y="${height - 5}" text-anchor="middle">radius (l2 norm of the attack)</text>`);
    parts.push(`<text class="axis" transform="translate(12 ${height / 2}) rotate(-90)" text-anchor="middle">constant rate</text>`);
    const { radius: r, rate: g } = this.curves.controls.state;
    const inside = r >= r0 && r <= r1 && g >= g0 && g <= g1;
    if (inside) for (const look of ["cross", "cross inner"]) parts.push(`<path class="${look}" d="M${px(r) - 7} ${py(g) - 7}l14 14m0 -14l-14 14"/>`);
    this.canvas.innerHTML = `${parts.join("")}</svg>`;
    const looks = new Map(status.flat().filter((word) => !byRisk || word !== "completed").map((word) => [word, REGIMES[word] ?? OTHER]));
    const bar = [0, 0.25, 0.5, 0.75].map((share, k) => `<rect x="${25 * k}" width="25.4" height="14" fill="${shade(share + 0.125)}"/>`).join("");
    const keys = byRisk && known.length ? [`<span>adversarial risk from ${short(low)} <svg class="swatch" width="100" height="14" aria-hidden="true">${bar}</svg>to ${short(high)}${log ? ", by factors" : ""}</span>`] : [];
    for (const [look, words, hatch] of looks.values()) {
      const lost = !byRisk || look === "diverged" ? look : "plain";
      keys.push(`<span><svg class="swatch" width="18" height="14" aria-hidden="true"><rect class="cell ${lost}" width="18" height="14"/>${hatch ? `<rect fill="url(#p-${look})" width="18" height="14"/>` : ""}</svg>${words}</span>`);
    }
    const border = (look, words) => `<span><svg class="swatch" width="22" height="14"><path class="border ${look}" d="M0 7H22"/></svg>${words}</span>`;
    if (finite(collapse)) keys.push(border("", `collapse radius ${short(collapse)}`));
    if (finite(lines.stable_rate)) keys.push(border("stable", `largest stable rate ${short(lines.stable_rate)}`));
    if (finite(lines.divergent_rate) && lines.divergent_rate !== lines.stable_rate) keys.push(border("divergent", `smallest divergent rate ${short(lines.divergent_rate)}`));
    this.keys.innerHTML = keys.join("");
    this.here.textContent = this.words(r, g, inside);
    byId("map-fine").textContent = this.found.limits;
    this.drawn += 1;
    this.panel.dataset.drawn = String(this.drawn);
  }

  words(r, g, inside) {
    if (!inside) return `The settings (radius ${short(r)}, rate ${short(g)}) are outside this map.`;
    const [i, j] = this.nearest(r, g);
    const word = (REGIMES[this.found.status[i][j]] ?? OTHER)[1];
    return `× radius ${short(r)}, rate ${short(g)}: ${word}, risk ${short(this.found.risk[i][j])} near it.`;
  }

  nearest(r, g) {
    const closest = (values, distance) => values.reduce((best, value, k) => (distance(value) < distance(values[best]) ? k : best), 0);
    return [closest(this.found.radius, (value) => Math.abs(value - r)), closest(this.found.rate, (value) => Math.abs(Math.log(value / g)))];
  }

  click(event) {
    if (!this.found || !this.box) return;
    const { left, top } = this.canvas.getBoundingClientRect();
    const { r0, r1, g0, g1, width, height } = this.box;
    const share = (value) => Math.min(1, Math.max(0, value));
    const x = share((event.clientX - left - LEFT) / (width - LEFT - RIGHT));
    const y = share((height - BOTTOM - (event.clientY - top)) / (height - TOP - BOTTOM));
    this.set(r0 + x * (r1 - r0), g0 * (g1 / g0) ** y);
  }

  key(event) {
    const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (!by || !this.found) return;
    event.preventDefault();
    const { radius, rate } = this.curves.controls.state;
    const place = this.nearest(radius, rate).map((k, axis) => Math.min(Math.max(k + by[axis], 0), [this.found.radius, this.found.rate][axis].length - 1));
    this.set(this.found.radius[place[0]], this.found.rate[place[1]]);
  }

  set(radius, rate) {
    this.curves.controls.set({ radius: Number(radius.toPrecision(3)), rate: Number(rate.toPrecision(3)), schedule: "constant" });
    this.curves.changed();
    this.draw();
  }
}

// The borders between cells on the screen, n + 1 for n values.
function edges(values, place, first, last) {
  const middles = values.slice(1).map((value, k) => (place(values[k]) + place(value)) / 2);
  return [first, ...middles, last];
}

// From light to dark blue.
function shade(share) {
  const at = (from, to) => Math.round(from + (to - from) * share);
  return `rgb(${at(232, 10)} ${at(243, 56)} ${at(250, 99)})`;
}
