// The third tab: a deep network under attack, before it is trained.

import { Fresh, Latest, Replaced, afterPause, askJson, comeFirst, meanwhile } from "/api.js";
import { Chart } from "/chart.js";
import { Controls } from "/controls.js";
import { Gauge } from "/gauge.js";
import { escaped, finite, short } from "/numbers.js";

const GROUPS = [
  ["Network", ["depth", "width", "shortcut", "weight_variance", "input_dim", "output_dim"]],
  ["Attack", ["radius", "p", "q"]],
  ["Data and training", ["cosine", "learning_rate", "steps"]],
];
// heading: name, label, unit, what it is
const NUMBERS = {
  "Will it learn under this attack?": [
    ["trainability_index", "trainability index τ", "safe from 0.4, collapse below 0.25", "Time in which training removes the adversarial loss, over the time in which it would learn the classes without an attack."],
    ["slowdown", "slowdown by the attack", "times", "How much longer learning takes than without an attack; good to a factor of 1.6."],
    ["learning_time", "learning time", "rate × width × steps", "Training that it takes to learn the classes under this attack."],
    ["training_score", "planned over learning time", "enough from 2, too little below 1", "Whether the planned steps are enough."],
  ],
  "How far could you go?": [
    ["safe_width", "smallest safe width", "units", "Everything else as it is: from here on τ is 0.4 or more."],
    ["safe_radius", "largest safe radius", "norm of the attack", "The strongest attack at which τ is 0.4 or more."],
    ["safe_depth", "largest safe depth", "layers, up to 100", "The deepest network of which τ is 0.4 or more."],
  ],
  "Before the first step": [
    ["adversarial_loss", "adversarial loss", "", "How far the attack moves the output of the fresh network: largest q-norm, for a p-norm within the radius."],
    ["adversarial_loss_bound", "its bound", "infinite width", "No attack of this radius moves the output of a very wide network further."],
    ["effective_dimension", "effective dimension", "", "So few input directions get through the layers: the narrower and deeper, the fewer."],
    ["fisher_rao_norm", "capacity", "Fisher-Rao norm", "How much the cross-entropy reacts when all weights grow together; falls as adversarial training shrinks the weights."],
  ],
  "The older yardstick: how long the weights last": [
    ["longest_time", "signal lasts", "rate × steps", "Adversarial training shrinks the weights; until then a signal still passes all layers. In practice learning stops earlier: trust τ."],
    ["needed_width", "width for that", "units", "From this width on the signal lasts the planned steps."],
  ],
};
const VERDICTS = {
  safe: "Under this attack the network learns about as fast as without it.",
  borderline: "Under this attack the network usually keeps its accuracy, but its loss suffers.",
  collapse: "Under this attack the network gets stuck: it hardly learns, unless it is trained much longer.",
  "not known": "How training goes under this attack is not known: what τ says in words was measured under l2 attacks alone.",
  "no signal": "There is nothing to learn that the theory sees: inputs of one class are no more alike than others.",
};
const NO_VERDICT = "For this attack there is no verdict: the index τ needs p = 2 or infinity, and two outputs or more.";
const SEARCHED = ["safe_width", "safe_radius", "safe_depth"];
const byId = (id) => document.getElementById(id);

export class Networks {
  constructor(described, changed) {
    this.panel = byId("panel-networks");
    this.told = changed;
    this.controls = new Controls(this.panel.querySelector(".controls"), described, GROUPS, () => this.changed());
    this.charts = {
      variance: new Chart(byId("chart-variance"), { title: "Weight variance", x: "training step" }),
      capacity: new Chart(byId("chart-capacity"), { title: "Capacity", x: "training step" }),
      loss: new Chart(byId("chart-loss"), { title: "Adversarial loss", x: "training step" }),
    };
    this.state = this.panel.querySelector(".state");
    this.gauge = new Gauge(byId("gauge-attack"), { what: "radius", border: "largest safe radius", beyond: "τ is below 0.4" });
    this.fresh = new Fresh([this.panel], [byId("network-numbers"), byId("gauge-attack"), this.panel.querySelector(".charts")], () => this.say("computing", "", "busy"));
    this.latest = new Latest((state, outdated) => this.fetchNumbers(state, outdated));
    this.advices = new Latest((state, outdated) => this.fetchAdvice(state, outdated));
    this.later = afterPause(() => this.advices.call({ ...this.controls.state }), 250);
    this.drawn = 0;
  }

  changed() {
    this.told();
    this.refresh();
  }

  refresh() {
    this.advice = null;
    this.fresh.asked();
    this.latest.call({ ...this.controls.state });
    this.later();
  }

  isAsked(state) {
    return JSON.stringify(state) === JSON.stringify(this.controls.state);
  }

  async fetchNumbers(state, outdated) {
    const ended = meanwhile("quick", (seconds, others) => this.say(others ? "waiting" : "computing", others ? comeFirst(others) : "", "busy"));
    try {
      this.found = await askJson("network", state, { outdated, busy: (told) => this.say("busy", told, "busy") });
      this.fresh.answered(!this.isAsked(state));
      this.draw();
      const { verdict } = this.found;
      this.say(verdict ?? "no verdict", this.sentence(), verdict === "safe" ? "" : "warn");
    } catch (error) {
      if (error instanceof Replaced || outdated()) return;
      this.fresh.failed();
      this.say("no theory", error.message, "warn");
    } finally {
      ended();
    }
  }

  // What the numbers come to.
  sentence() {
    const { verdict, numbers } = this.found;
    const slower = verdict === "collapse" && numbers.slowdown ? ` (about ${short(numbers.slowdown, 2)} times as long as without)` : "";
    const score = numbers.training_score;
    const steps = !finite(score) || ["no signal", "not known"].includes(verdict) ? "" : score < 1 ? " The planned steps are too few." : score < 2 ? " The planned steps may be too few." : " The planned steps are enough.";
    return (VERDICTS[verdict] ?? NO_VERDICT).replace(/\.$/, `${slower}.`) + steps;
  }

  async fetchAdvice(state, outdated) {
    const words = byId("network-advice");
    try {
      const advice = await askJson("network_advice", state, { outdated });
      if (!this.isAsked(state)) return;
      this.advice = advice;
      const outside = advice.outside?.length ? ` The fit behind τ has not seen: ${advice.outside.join(", ")}.` : "";
      const sure = advice.reliability ? ` This verdict was right in ${Math.round(100 * advice.reliability)} % of 445 trainings.` : "";
      words.textContent = `${advice.advice.replace("`slowdown`", short(advice.numbers?.slowdown, 2))}${sure}${outside}`;
      if (this.found) this.draw();
    } catch (error) {
      if (!(error instanceof Replaced) && !outdated()) words.textContent = `No advice: ${error.message}`;
    }
  }

  say(word, words, look) {
    this.state.className = `state ${look}`;
    this.state.querySelector(".word").textContent = word;
    this.state.querySelector(".words").textContent = words;
  }

  draw() {
    const { numbers, curve, title } = this.found;
    const all = { ...numbers, ...(this.advice?.numbers ?? {}) };
    const infinite = { longest_time: "for ever", safe_width: "none", slowdown: "∞", learning_time: "∞", trainability_index: "∞" };
    const tile = ([name, label, unit, what]) => {
      const pending = SEARCHED.includes(name) && !this.advice;
      const value = pending ? "…" : all[name] === null || all[name] === undefined ? (infinite[name] ?? "–") : short(all[name], 4);
      return `<div><dt>${escaped(label)}</dt><dd>${value} <small>${escaped(unit)}</small></dd><dd class="what">${escaped(what)}</dd></div>`;
    };
    const groups = Object.entries(NUMBERS).map(([heading, tiles]) => `<h2>${escaped(heading)}</h2><dl class="numbers">${tiles.map(tile).join("")}</dl>`);
    byId("network-numbers").innerHTML = groups.join("");
    const known = !["not known", "no signal", null, undefined].includes(this.found.verdict);
    const otherwise = known && !this.advice ? "How large the radius may be is being sought." : "No largest safe radius is known here.";
    this.gauge.show(this.controls.state.radius, known ? this.advice?.numbers?.safe_radius : null, otherwise);
    const end = curve.step.at(-1);
    const marks = curve.horizons.filter((step) => step !== null && step < end).map((step, k) => ({ x: step, label: k ? "horizon, many inputs" : "horizon, one input" }));
    const draw = (chart, name, look, label = "") => this.charts[chart].draw({ x: curve.step, lines: [{ label, look, y: curve[name] }], marks: marks.slice(-1) });
    draw("variance", "weight_variance", "norm");
    draw("capacity", "fisher_rao_norm", "distance", "Fisher-Rao, adversarial loss");
    draw("loss", "adversarial_loss", "adversarial");
    byId("networks-fine").textContent = `${title}. Beyond the horizon the law of the curves does not hold. ${curve.advice}`;
    this.drawn += 1;
    this.panel.dataset.drawn = String(this.drawn);
  }
}
