// Where one stands to a border of the theory: a bar, safe up to the border, a mark where one is.

import { element } from "/controls.js";
import { finite, short } from "/numbers.js";

export class Gauge {
  constructor(place, { what, border, beyond }) {
    Object.assign(this, { what, border, beyond });
    place.classList.add("gauge");
    place.setAttribute("role", "meter");
    place.setAttribute("aria-label", `${what} against the ${border}`);
    place.setAttribute("aria-valuemin", "0");
    this.words = element("p", {}, place);
    this.bar = element("div", {}, place);
    this.place = place;
  }

  // value: where one is; edge: the border; otherwise: said where there is no border or no value
  show(value, edge, otherwise, beyond = this.beyond) {
    const known = finite(value) && finite(edge) && edge > 0;
    const share = known ? value / edge : 0;
    const text = known
      ? `${this.what} ${short(value)} is ${percent(share)} of the ${this.border} ${short(edge, 4)}${share >= 1 ? `: ${beyond}` : ""}`
      : otherwise;
    this.words.textContent = text;
    this.place.setAttribute("aria-valuetext", text);
    this.place.setAttribute("aria-valuenow", String(Number(share.toFixed(3))));
    this.place.setAttribute("aria-valuemax", String(Math.max(1.5, share).toFixed(3)));
    const at = (s) => `${((Math.min(s, 1.5) / 1.5) * 98 + 1).toFixed(2)}%`;
    this.bar.innerHTML = known
      ? `<svg width="100%" height="22" aria-hidden="true"><rect class="safe" x="1%" y="7" width="65.3%" height="8" rx="2"/>` +
        `<rect class="lost" x="66.3%" y="7" width="32.7%" height="8" rx="2"/><line class="edge" x1="66.3%" x2="66.3%" y1="2" y2="20"/>` +
        `<line class="here" x1="${at(share)}" x2="${at(share)}" y1="1" y2="21"/></svg>`
      : "";
  }
}

const percent = (share) => `${share < 0.1 ? (100 * share).toPrecision(1) : Math.round(100 * share)} %`;
