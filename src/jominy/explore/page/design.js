// The second tab: a learning rate that is drawn, knot by knot, and what training ends with at it.

import { Fresh, Latest, Replaced, askJson, comeFirst, meanwhile } from "/api.js";
import { Chart } from "/chart.js";
import { element } from "/controls.js";
import { finite, labels, logTicks, sentence, short, ticks } from "/numbers.js";

const [LEFT, RIGHT, TOP, BOTTOM, HEIGHT] = [58, 18, 12, 40, 330];
const LEAST = 1e-6; // of a rate, as on the server
const STEP = 1.05; // of an arrow key
const TIME = "time (samples / dimension)";
const byId = (id) => document.getElementById(id);

export class Design {
  // curves: the first tab, whose problem and horizon these are; kept() is called when the knots are others
  constructor(curves, kept) {
    Object.assign(this, { curves, kept, rates: [], moved: false, state: "", answer: null, own: null });
    this.panel = byId("panel-design");
    this.plot = new Knots(byId("knots"), (place, rate) => this.move(place, rate));
    this.chart = new Chart(byId("chart-drawn"), { title: "Adversarial risk", x: TIME, floor: true, height: 300 });
    this.fresh = new Fresh([byId("chart-drawn")], [byId("chart-drawn")], () => this.say("computing", "", "busy"));
    this.latest = new Latest((asked, outdated) => this.fetch(asked, outdated));
    this.drawn = 0;
    byId("knots-page").addEventListener("click", () => this.begin([], false));
    byId("knots-best").addEventListener("click", () => this.best());
  }

  restore(text) {
    const rates = (text ?? "").split(",").map(Number);
    const good = rates.every((rate) => Number.isFinite(rate) && rate > 0) && rates.length > 1;
    Object.assign(this, { rates: good ? rates : [], moved: good, state: "" });
  }

  refresh() {
    const state = JSON.stringify(this.curves.asked());
    if (state === this.state) return;
    const others = this.state !== ""; // knots of other settings
    Object.assign(this, { state, own: null });
    if (others) Object.assign(this, { rates: [], moved: false });
    this.ask();
  }

  begin(rates, moved) {
    Object.assign(this, { rates, moved });
    this.kept();
    this.ask();
  }

  move(place, rate) {
    this.rates = this.rates.with(place, Number(rate.toPrecision(4)));
    this.moved = true;
    this.plot.show(this.rates);
    this.ask();
    this.kept();
  }

  ask() {
    this.fresh.asked();
    this.latest.call({ state: JSON.parse(this.state), rates: this.rates });
  }

  async fetch(asked, outdated) {
    const busy = (words) => this.say("busy", words, "busy");
    const ended = meanwhile("quick", (seconds, others) => {
      if (others) this.say("waiting", comeFirst(others), "busy");
      else if (seconds > 1) this.say("computing", "Compiling for the first time: some seconds once, then milliseconds.", "busy");
    });
    try {
      let answer = null;
      if (!this.own || !asked.rates.length) {
        answer = await askJson("drawn", { ...asked, rates: [] }, { outdated, busy });
        if (JSON.stringify(asked.state) !== this.state) return;
        this.own = answer.own;
      }
      const first = !asked.rates.length;
      if (!first) answer = await askJson("drawn", asked, { outdated, busy });
      if (JSON.stringify(asked.state) !== this.state) return;
      if (first) this.rates = answer.rates;
      this.answer = answer;
      this.fresh.answered(!first && JSON.stringify(asked.rates) !== JSON.stringify(this.rates));
      this.plot.draw(answer.knots, this.rates, answer.critical_rate);
      this.draw();
    } catch (error) {
      if (error instanceof Replaced || outdated()) return;
      this.fresh.failed();
      this.say("no forecast", sentence(error.message), "warn");
    } finally {
      ended();
    }
  }

  async best() {
    const state = this.state;
    byId("knots-best").disabled = true;
    this.tell("Seeking: some seconds, the first time up to a minute.");
    try {
      const told = await askJson("design", JSON.parse(state), { outdated: () => state !== this.state, busy: (words) => this.tell(words) });
      if (state !== this.state) return;
      this.tell(sentence(told.sentences.at(-1)));
      this.begin(told.rates, true);
    } catch (error) {
      if (!(error instanceof Replaced)) this.tell(sentence(error.message));
    } finally {
      byId("knots-best").disabled = false;
    }
  }

  draw() {
    const { answer, own } = this;
    const risk = (told) => told.variables.adversarial_risk;
    const [here, there] = [risk(answer).at(-1), risk(own).at(-1)];
    const lines = [{ label: "as drawn", look: "adversarial", y: risk(answer) }];
    if (risk(own).length === answer.time.length) lines.push({ label: "tab Curves", look: "clean", y: risk(own) });
    this.chart.draw({ x: answer.time, lines, levels: [{ y: answer.optimum_risk, label: "optimum" }] });
    const good = answer.status === "completed";
    this.say(answer.status, good ? this.sentence(here, there) : answer.advice, good ? "" : "warn");
    byId("design-fine").textContent = `Nine knots of the logarithm of the learning rate lose less than a thousandth of the excess risk. Answered in ${short(answer.milliseconds, 2)} ms.`;
    this.drawn += 1;
    this.panel.dataset.drawn = String(this.drawn);
  }

  sentence(here, there) {
    const end = `Adversarial risk ${short(here, 4)} at time ${short(this.answer.time.at(-1))}`;
    const least = this.answer.optimum_risk;
    const excess = finite(least) ? `, ${short(here - least)} above the optimum` : "";
    if (!finite(there)) return `${end}${excess}.`;
    const share = 100 * (1 - here / there);
    const compared = Math.abs(share) < 0.005 ? "as at the rate of the tab Curves" : `${short(Math.abs(share), 2)} % ${share > 0 ? "less" : "more"} than at the rate of the tab Curves`;
    return `${end}${excess}: ${compared}.`;
  }

  tell(words) {
    byId("knots-words").textContent = words;
  }

  say(word, words, look) {
    const state = this.panel.querySelector(".state");
    state.className = `state ${look}`;
    state.querySelector(".word").textContent = word;
    state.querySelector(".words").textContent = words;
  }
}

// The learning rate over time, on a logarithmic scale, by knots that are sliders: dragged, or moved by arrow keys.
class Knots {
  constructor(place, moved) {
    Object.assign(this, { moved, times: [], rates: [], circles: [] });
    const figure = element("figure", {}, place);
    element("b", { textContent: "Learning rate" }, element("figcaption", {}, figure));
    this.canvas = element("div", { className: "canvas" }, figure);
    new ResizeObserver(() => this.paint()).observe(this.canvas);
  }

  draw(times, rates, critical) {
    const [first, last] = [Math.min(...rates), Math.max(...rates)];
    const within = first >= 1.5 * this.low && last <= this.high;
    const fits = this.low && this.times.at(-1) === times.at(-1) && (within || this.held); // what is held stays
    Object.assign(this, { times, rates, critical });
    if (!fits) Object.assign(this, { low: Math.max(Math.min(first / 4, last / 30), LEAST), high: Math.max(3 * last, finite(critical) ? 1.5 * critical : 0) });
    if (fits && this.circles.length === times.length) this.show(rates);
    else this.paint();
  }

  paint() {
    const width = (this.width = Math.round(this.canvas.clientWidth));
    if (!width || !this.times.length) return;
    const end = this.times.at(-1);
    this.px = (time) => LEFT + (time / end) * (width - LEFT - RIGHT);
    this.py = (rate) => HEIGHT - BOTTOM - (Math.log(rate / this.low) / Math.log(this.high / this.low)) * (HEIGHT - TOP - BOTTOM);
    const focused = this.circles.indexOf(document.activeElement);
    const parts = [`<svg width="${width}" height="${HEIGHT}" viewBox="0 0 ${width} ${HEIGHT}" role="group" aria-label="Knots of the learning rate">`];
    for (const [tick, text] of labels(ticks(0, end, Math.floor(width / 90)))) parts.push(`<text class="tick" x="${this.px(tick)}" y="${HEIGHT - BOTTOM + 15}" text-anchor="middle">${text}</text>`);
    for (const [tick, text] of labels(logTicks(this.low, this.high, 7))) {
      parts.push(`<line class="grid" x1="${LEFT}" x2="${width - RIGHT}" y1="${this.py(tick)}" y2="${this.py(tick)}"/>`);
      parts.push(`<text class="tick" x="${LEFT - 6}" y="${this.py(tick) + 4}" text-anchor="end">${text}</text>`);
    }
    if (finite(this.critical) && this.critical < this.high) parts.push(`<line class="level" x1="${LEFT}" x2="${width - RIGHT}" y1="${this.py(this.critical)}" y2="${this.py(this.critical)}"/><text class="tick" x="${width - RIGHT}" y="${this.py(this.critical) - 4}" text-anchor="end">largest stable constant rate</text>`);
    parts.push(`<path class="frame" d="M${LEFT} ${TOP}V${HEIGHT - BOTTOM}H${width - RIGHT}"/><text class="axis" x="${(LEFT + width - RIGHT) / 2}" y="${HEIGHT - 5}" text-anchor="middle">${TIME}</text>`);
    parts.push('<path class="line adversarial"/>');
    for (const time of this.times) parts.push(`<circle class="knot" r="8" cx="${this.px(time)}" tabindex="0" role="slider" aria-orientation="vertical" aria-label="learning rate at time ${short(time)}"/>`);
    this.canvas.innerHTML = `${parts.join("")}</svg>`;
    this.circles = [...this.canvas.querySelectorAll(".knot")];
    this.circles.forEach((circle, place) => this.handle(circle, place));
    this.show(this.rates);
    this.circles[focused]?.focus();
  }

  handle(circle, place) {
    circle.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      circle.focus();
      circle.setPointerCapture(event.pointerId);
      this.held = true;
    });
    circle.addEventListener("lostpointercapture", () => {
      this.held = false;
      this.draw(this.times, this.rates, this.critical);
    });
    circle.addEventListener("pointermove", (event) => {
      if (!circle.hasPointerCapture(event.pointerId)) return;
      const y = event.clientY - this.canvas.getBoundingClientRect().top;
      this.set(place, this.low * (this.high / this.low) ** ((HEIGHT - BOTTOM - y) / (HEIGHT - TOP - BOTTOM)));
    });
    circle.addEventListener("keydown", (event) => {
      const factor = { ArrowUp: STEP, ArrowRight: STEP, ArrowDown: 1 / STEP, ArrowLeft: 1 / STEP, PageUp: 2, PageDown: 0.5 }[event.key];
      if (!factor) return;
      event.preventDefault();
      this.set(place, this.rates[place] * factor);
    });
  }

  set(place, rate) {
    this.moved(place, Math.min(Math.max(rate, this.low), this.high));
  }

  // The same knots at other rates: the circle that is held stays the one it is.
  show(rates) {
    this.rates = rates;
    if (!this.circles.length) return;
    this.canvas.querySelector(".line").setAttribute("d", `M${this.times.map((time, place) => `${this.px(time)} ${this.py(rates[place])}`).join("L")}`);
    this.circles.forEach((circle, place) => {
      circle.setAttribute("cy", this.py(rates[place]));
      circle.setAttribute("aria-valuenow", rates[place]);
      circle.setAttribute("aria-valuetext", short(rates[place], 4));
      circle.setAttribute("aria-valuemin", this.low);
      circle.setAttribute("aria-valuemax", this.high);
    });
  }
}
