// The second tab: a deep network under attack, before it is trained.

import { Latest, afterPause, askJson } from "/api.js";
import { Chart } from "/chart.js";
import { Controls } from "/controls.js";
import { escaped, short } from "/numbers.js";

const GROUPS = [
  ["Network", ["depth", "width", "shortcut", "weight_variance", "input_dim", "output_dim"]],
  ["Attack", ["radius", "p", "q"]],
  ["Data and training", ["cosine", "learning_rate", "steps"]],
];
// name, label, unit, in which answer
const NUMBERS = [
  ["adversarial_loss", "adversarial loss at the start", ""],
  ["adversarial_loss_bound", "its bound, infinite width", ""],
  ["trainability_index", "trainability index τ", "safe from 0.4, collapse below 0.25"],
  ["slowdown", "slowdown by the adversary", "times"],
  ["learning_time", "learning time by τ", "rate × width × steps"],
  ["training_score", "planned over learning time", "enough from 2, too little below 1"],
  ["longest_time", "signal lasts, variance law", "rate × steps"],
  ["needed_width", "needed width, variance law", "for the planned steps"],
  ["safe_width", "smallest safe width by τ", "units"],
  ["safe_radius", "largest safe radius by τ", "norm of the attack"],
  ["safe_depth", "largest safe depth by τ", "layers, up to 100"],
  ["fisher_rao_norm", "capacity: Fisher-Rao norm", "cross-entropy, small logits"],
  ["effective_dimension", "effective dimension", ""],
];
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
    this.latest = new Latest((state) => this.fetchNumbers(state));
    this.advices = new Latest((state) => this.fetchAdvice(state));
    this.later = afterPause(() => this.advices.call({ ...this.controls.state }), 250);
    this.drawn = 0;
  }

  changed() {
    this.told();
    this.refresh();
  }

  refresh() {
    this.advice = null;
    this.latest.call({ ...this.controls.state });
    this.later();
  }

  async fetchNumbers(state) {
    try {
      this.found = await askJson("network", state);
      this.panel.classList.remove("stale");
      this.draw();
    } catch (error) {
      this.panel.classList.add("stale");
      this.say("no theory", error.message, "warn");
    }
  }

  async fetchAdvice(state) {
    try {
      const advice = await askJson("network_advice", state);
      if (JSON.stringify(state) !== JSON.stringify(this.controls.state)) return;
      this.advice = advice;
      const outside = advice.outside?.length ? ` The fit behind τ has not seen: ${advice.outside.join(", ")}.` : "";
      const sure = advice.reliability ? ` (right in ${Math.round(100 * advice.reliability)} % of 445 trainings)` : "";
      const words = advice.advice.replace("`slowdown`", short(advice.numbers?.slowdown, 2));
      this.say(advice.verdict ?? "no verdict", `${words}${sure}${outside}`, advice.verdict === "safe" ? "" : "warn");
      if (this.found) this.draw();
    } catch (error) {
      this.say("no verdict", error.message, "warn");
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
    const items = NUMBERS.map(([name, label, unit]) => {
      const pending = SEARCHED.includes(name) && !this.advice;
      const value = pending ? "…" : all[name] === null ? (infinite[name] ?? "–") : short(all[name], 4);
      return `<div><dt>${escaped(label)}</dt><dd>${value} <small>${escaped(unit)}</small></dd></div>`;
    });
    byId("network-numbers").innerHTML = `<dl class="numbers">${items.join("")}</dl>`;
    const end = curve.step.at(-1);
    const marks = curve.horizons.filter((step) => step !== null && step < end).map((step, k) => ({ x: step, label: k ? "horizon, many inputs" : "horizon, one input" }));
    const draw = (chart, name, look, label = "") => this.charts[chart].draw({ x: curve.step, lines: [{ label, look, y: curve[name] }], marks: marks.slice(-1) });
    draw("variance", "weight_variance", "norm");
    draw("capacity", "fisher_rao_norm", "distance", "Fisher-Rao, adversarial loss");
    draw("loss", "adversarial_loss", "adversarial");
    byId("networks-fine").textContent = `${title}. ${curve.advice}`;
    this.drawn += 1;
    this.panel.dataset.drawn = String(this.drawn);
  }
}
