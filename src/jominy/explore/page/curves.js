// The first tab: curves that follow the sliders, the band a moment later, real SGD beside them.

import { Fresh, Latest, Replaced, afterPause, ask, askJson, comeFirst, events, meanwhile, post, reason } from "/api.js";
import { Chart } from "/chart.js";
import { Controls, element } from "/controls.js";
import { Gauge } from "/gauge.js";
import { escaped, sentence, short } from "/numbers.js";

const GROUPS = [
  ["Attack and training", ["problem", "radius", "attack", "reach", "beside", "objective", "schedule", "horizon", "start"]],
  ["Data", ["noise", "separation", "spectrum", "exponent", "ratio", "high", "dimension"]],
];
const OWN = "own."; // begins the names of the numbers of the user's scenario
const TIME = "time (samples / dimension)";
const byId = (id) => document.getElementById(id);

// Whether a control means anything in a state; `shows`: of each schedule and objective, the names of its numbers.
export function visible(name, state, shows = {}) {
  const own = state.problem === "own";
  if (name.startsWith(OWN)) return name.startsWith(`${OWN}schedule.`) ? state.schedule === "own" : own;
  const varying = own && Object.keys(state).some((one) => one.startsWith(`${OWN}radius.`));
  for (const [choice, numbers] of Object.entries(shows)) {
    if (!Object.values(numbers).flat().includes(name)) continue;
    return (numbers[state[choice]] ?? []).includes(name) && (choice === "schedule" || !own);
  }
  const rules = {
    radius: !varying, attack: !own, reach: !own, beside: !own, objective: !own, start: !own, noise: state.problem === "least-squares",
    separation: state.problem === "two-class", spectrum: !own, dimension: !own,
    exponent: !own && state.spectrum === "power-law", ratio: !own && state.spectrum === "marchenko-pastur",
    high: !own && state.spectrum === "two-level",
  };
  return rules[name] ?? true;
}

export class Curves {
  // table: of the user's, which the controls are for; or null
  constructor(described, table, changed) {
    this.table = table;
    this.panel = byId("panel-curves");
    this.told = changed;
    const groups = Map.groupBy(described.filter((one) => one.path), (one) => one.group);
    const own = [...groups].map(([legend, controls]) => [legend, controls.map((one) => one.name)]);
    this.shows = Object.fromEntries(described.filter((one) => one.shows).map((one) => [one.name, one.shows]));
    const numbers = (choice) => (this.shows[choice] ? [...new Set(Object.values(this.shows[choice]).flat())] : []);
    const page = GROUPS.map(([legend, names]) => [legend, names.flatMap((one) => [one, ...numbers(one)])]);
    this.controls = new Controls(this.panel.querySelector(".controls"), described, [...page, ...own], () => this.changed());
    this.state = this.panel.querySelector(".state");
    this.charts = {
      risk: new Chart(byId("chart-risk"), { title: "Risk", x: TIME, floor: true, height: 250 }),
      accuracy: new Chart(byId("chart-accuracy"), { title: "Accuracy", x: TIME, ceiling: 1 }),
      norm: new Chart(byId("chart-norm"), { title: "Norm of the weights", x: TIME, floor: true }),
      distance: new Chart(byId("chart-distance"), { title: "Distance to the optimum", x: TIME, floor: true }),
      rate: new Chart(byId("chart-rate"), { title: "Learning rate", x: TIME, floor: true }),
      cross: new Chart(byId("chart-cross"), { title: "Risk at the cross", x: TIME, floor: true, height: 260 }),
    };
    this.gauges = {
      radius: new Gauge(byId("gauge-radius"), { what: "radius", border: "collapse radius", beyond: "the optimum is zero" }),
      rate: new Gauge(byId("gauge-rate"), { what: "rate", border: "largest stable rate", beyond: "not known to be stable" }),
    };
    const busy = [byId("chart-risk"), byId("chart-cross"), ...this.panel.querySelectorAll(".gauges, .charts")];
    this.fresh = new Fresh([this.panel, byId("chart-cross")], busy, () => this.say("computing", "", "busy"));
    this.latest = new Latest((state, outdated) => this.fetchCurve(state, outdated));
    this.bands = new Latest((state, outdated) => this.fetchBand(state, outdated));
    this.others = new Latest((state, outdated) => this.fetchOther(state, outdated));
    this.later = afterPause(() => {
      this.bands.call(this.asked());
      if (this.asked().beside && this.asked().problem !== "own") this.others.call(this.asked());
    }, 250);
    this.dots = {};
    this.drawn = 0;
    byId("design").addEventListener("click", () => this.design());
    byId("design-use").addEventListener("click", () => this.useDesign());
    byId("run").addEventListener("click", () => (this.running ? this.stop() : this.run()));
  }

  changed() {
    this.controls.only((name) => visible(name, this.controls.state, this.shows));
    this.clearRun();
    this.clearDesign();
    this.told();
    this.refresh();
  }

  refresh() {
    this.band = this.other = null;
    this.fresh.asked();
    this.latest.call(this.asked());
    this.later();
  }

  // The state as the server is asked for it: of the numbers of the user's scenario, those that are set anew.
  asked() {
    const entries = Object.entries(this.controls.state);
    const moved = this.controls.differing().filter(([name]) => name.startsWith(OWN));
    const state = Object.fromEntries(entries.filter(([name]) => !name.startsWith(OWN)));
    if (this.table && state.problem === "own") state.table = this.table;
    return moved.length ? { ...state, numbers: Object.fromEntries(moved.map(([name, value]) => [name.slice(OWN.length), value])) } : state;
  }

  async fetchCurve(state, outdated) {
    const words = "Compiling for the first time: a forecast of a new kind takes 3 to 30 seconds once, the next ones milliseconds.";
    const ended = meanwhile("quick", (seconds, others) => {
      if (others) this.say("waiting", comeFirst(others), "busy");
      else if (seconds > 1) this.say("computing", `${words}${seconds < 5 ? "" : ` ${5 * Math.floor(seconds / 5)} s so far.`}`, "busy");
    });
    try {
      const curve = await askJson("curve", state, { outdated, busy: (told) => this.say("busy", told, "busy") });
      this.curve = curve;
      this.fresh.answered(!this.isAsked(state));
      this.draw();
      const good = this.curve.status === "completed";
      this.say(this.curve.status, good ? this.sentence() : this.curve.advice, good ? "" : "warn");
    } catch (error) {
      if (error instanceof Replaced || outdated()) return;
      this.fresh.failed();
      this.say("no forecast", error.message, "warn");
    } finally {
      ended();
    }
  }

  isAsked(state) {
    return JSON.stringify(state) === JSON.stringify(this.asked());
  }

  async fetchBand(state, outdated) {
    try {
      const band = await askJson("band", state, { outdated });
      if (!this.isAsked(state)) return; // an older one: the next is on its way
      this.band = band;
    } catch (error) {
      if (error instanceof Replaced || outdated()) return;
      this.band = { variables: {}, words: `no band: ${error.message}`, end: null };
    }
    if (this.curve) this.draw();
  }

  // The curve of the same problem under the other attack.
  async fetchOther(state, outdated) {
    try {
      const other = await askJson("beside", state, { outdated });
      if (!this.isAsked(state)) return;
      this.other = other;
    } catch (error) {
      if (error instanceof Replaced || outdated()) return;
      this.other = { variables: {}, words: `No curve of the other attack: ${error.message}` };
    }
    if (this.curve) this.draw();
  }

  sentence() {
    const last = (name) => short(this.curve.variables[name]?.findLast((value) => value !== null));
    const accuracy = this.curve.variables.adversarial_accuracy ? `, adversarial accuracy ${last("adversarial_accuracy")}` : "";
    return `Adversarial risk ${last("adversarial_risk")} at time ${short(this.curve.time.at(-1))}${accuracy}; the optimum has ${short(this.curve.optimum_risk)}.`;
  }

  say(word, words, look) {
    this.state.className = `state ${look}`;
    const [first, rest] = [this.state.querySelector(".word"), this.state.querySelector(".words")];
    if (first.textContent !== word) first.textContent = word;
    if (rest.textContent !== words) rest.textContent = words;
  }

  draw() {
    const { curve, band } = this;
    const line = (name, label, look) => {
      const y = curve.variables[name];
      if (!y) return [];
      const [sd, bias] = ["_sd", "_bias"].map((end) => band?.variables[name + end]);
      if (!sd) return [{ label, look, y }];
      const edge = (sign) => y.map((value, k) => (value === null || sd[k] === null ? null : value + (bias?.[k] ?? 0) + sign * sd[k]));
      return [{ label, look, y, low: edge(-1), high: edge(1) }];
    };
    const named = { l2: "l2", linf: "l∞" };
    // The other attack's curve has times of its own where its solver has: it is drawn where both are known.
    const beside = (name, what) => {
      const y = this.other?.variables[name];
      if (!y || y.length !== curve.time.length) return [];
      return [{ label: `${what}, ${named[this.other.attack]}`, look: "other", y }];
    };
    const dots = (...pairs) => pairs.map(([name, look]) => ({ look, points: this.dots[name] ?? [] }));
    const draw = (chart, lines, more) => this.charts[chart].draw(lines.length ? { x: curve.time, lines, ...more } : null);
    const optimum = { y: curve.optimum_risk, label: "optimum" };
    const end = band?.end;
    const ends = (name) => (end ? [{ y: end[name], label: "end of training", look: "end" }] : []);
    const risks = [...line("adversarial_risk", "adversarial", "adversarial"), ...line("clean_risk", "clean", "clean")];
    draw("cross", risks, { levels: [optimum] });
    draw("risk", [...risks, ...beside("adversarial_risk", "adversarial")], {
      levels: [optimum, ...ends("adversarial_risk")],
      dots: dots(["adversarial_risk", "adversarial"], ["clean_risk", "clean"]),
    });
    draw("accuracy", [...line("adversarial_accuracy", "adversarial", "adversarial"), ...line("clean_accuracy", "clean", "clean"), ...beside("adversarial_accuracy", "adversarial")], {
      dots: dots(["adversarial_accuracy", "adversarial"], ["clean_accuracy", "clean"]),
    });
    draw("norm", line("norm", "", "norm"), {
      levels: [{ y: curve.optimum_norm, label: "optimum" }, ...ends("norm")],
      dots: dots(["norm", "norm"]),
    });
    draw("distance", line("distance_to_optimum", "", "distance"), { dots: dots(["distance_to_optimum", "distance"]) });
    const varies = curve.variables.learning_rate && new Set(curve.variables.learning_rate).size > 1;
    draw("rate", varies ? line("learning_rate", "", "adversarial") : [], {});
    this.gauges.radius.show(curve.radius, curve.collapse_radius, "No collapse radius is known for this problem.");
    const shown = curve.rate === null ? `This schedule chooses its own rate. ${curve.limits}` : curve.limits;
    const lost = curve.divergent_rate !== null && curve.rate >= curve.divergent_rate;
    this.gauges.rate.show(curve.rate, curve.critical_rate, shown, lost ? "it diverges" : undefined);
    byId("curves-fine").textContent = [
      ...curve.notes.map(sentence),
      band?.words ?? "",
      this.other?.words ?? "",
      curve.numerical_error === null ? "" : `Estimated numerical error ${short(curve.numerical_error, 2)}.`,
      `Answered in ${short(curve.milliseconds, 2)} ms.`,
    ].filter(Boolean).join(" ");
    this.drawn += 1;
    this.panel.dataset.drawn = String(this.drawn);
    this.panel.dataset.band = String(Boolean(band));
  }

  async run() {
    const state = this.asked();
    const seeds = Math.min(100, Math.max(2, Math.round(Number(byId("seeds").value) || 10)));
    byId("seeds").value = seeds;
    this.clearRun();
    this.running = true;
    this.showRun(`Starting ${seeds} runs of SGD.`, 0);
    const mine = (this.controller = new AbortController());
    try {
      const answer = await this.begin({ state, seeds }, mine.signal);
      for await (const [name, data] of events(answer)) {
        if (this.controller !== mine) return;
        if (name === "started") this.runId = data.run;
        else if (name === "moment") this.moment(data, state);
        else if (name === "refused") throw new Error(data.error);
        else if (name === "end") this.finish(data, state);
      }
    } catch (error) {
      if (this.controller === mine) this.showRun(error.message, null);
    } finally {
      if (this.controller === mine) {
        this.running = false;
        this.showRun(null, null);
      }
    }
  }

  // The learning rate that ends with the lowest risk at the page's horizon.
  async design() {
    const state = this.asked();
    this.clearDesign("Seeking: some seconds, the first time up to a minute.");
    byId("design").disabled = true;
    try {
      const told = await askJson("design", state, { outdated: () => !this.isAsked(state), busy: (words) => this.clearDesign(words) });
      if (!this.isAsked(state)) return;
      this.designed = told;
      const rows = told.alternatives.map(
        ({ title, risk, ratio }) => `<tr><th scope="row">${escaped(title)}</th><td>${short(risk, 4)}</td><td>${short(ratio, 3)}</td></tr>`,
      );
      byId("designed").innerHTML =
        `<table><caption>At time ${short(state.horizon)}</caption><thead><tr><th scope="col">learning rate</th><th scope="col">risk</th>` +
        `<th scope="col">excess over the design's</th></tr></thead><tbody>${rows.join("")}</tbody></table>` +
        `<details><summary>How it was found</summary><p>${told.sentences.slice(0, -1).map((one) => escaped(sentence(one))).join(" ")}</p></details>`;
      byId("design-words").textContent = sentence(told.sentences.at(-1));
      byId("design-use").hidden = !(told.schedule in this.shows.schedule);
    } catch (error) {
      if (!(error instanceof Replaced)) this.clearDesign(error.message);
    } finally {
      byId("design").disabled = false;
    }
  }

  useDesign() {
    const { schedule, controls } = this.designed;
    this.controls.set({ schedule, ...controls });
    this.changed();
  }

  clearDesign(words = "") {
    this.designed = null;
    byId("designed").textContent = "";
    byId("design-words").textContent = words;
    byId("design-use").hidden = true;
  }

  // One run of SGD goes on at a time: one that comes meanwhile waits for it.
  async begin(asked, signal) {
    for (;;) {
      const answer = await post("run", asked, { signal });
      if (answer.ok) return answer;
      const words = await reason(answer);
      if (answer.status !== 503) throw new Error(words);
      this.showRun("The machine is busy with other runs of SGD; these begin by themselves when it is free.", null);
      await new Promise((done) => setTimeout(done, 2000));
      if (signal.aborted) throw new Error("");
    }
  }

  moment(data, state) {
    for (const [name, [mean, error]] of Object.entries(data.variables)) (this.dots[name] ??= []).push([data.time, mean, error]);
    this.showRun(`SGD has reached time ${short(data.time)}.`, data.time / state.horizon);
    if (this.curve) this.draw();
  }

  finish(data, state) {
    this.hasRuns = state;
    const rows = Object.entries(data.agreement).map(
      ([name, { largest_z, rms_relative_error }]) =>
        `<tr><th scope="row">${escaped(name.replaceAll("_", " "))}</th><td>${short(100 * rms_relative_error, 2)} %</td><td>${short(largest_z, 2)}</td></tr>`,
    );
    byId("agreement").innerHTML =
      `<table><caption>Forecast against the mean of ${data.seeds} runs of SGD</caption><thead><tr><th scope="col">variable</th>` +
      `<th scope="col">rms difference</th><th scope="col">largest, in standard errors</th></tr></thead><tbody>${rows.join("")}</tbody></table>`;
    this.showRun(data.status === "completed" ? `${data.seeds} runs of SGD are done; dots are their mean ± standard error.` : `${data.status}: ${data.advice}`, null);
  }

  showRun(words, share) {
    if (words !== null) byId("run-words").textContent = words;
    byId("run").textContent = this.running ? "Stop" : "Run it: real SGD";
    byId("run-progress").hidden = share === null;
    byId("run-progress").value = share ?? 0;
  }

  stop() {
    if (!this.runId) this.clearRun(); // it has not begun
    else ask("stop", { run: this.runId }).catch((error) => this.showRun(error.message, null));
  }

  // A run belongs to the settings it was started with.
  clearRun() {
    this.controller?.abort();
    this.controller = this.runId = this.hasRuns = null;
    this.dots = {};
    this.running = false;
    byId("agreement").textContent = "";
    this.showRun("", null);
  }
}
