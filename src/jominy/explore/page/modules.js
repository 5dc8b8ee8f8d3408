// A module of one's own, by the diagnosis that `jominy diagnose` has saved: read in the browser, sent nowhere.

import { element } from "/controls.js";
import { Gauge } from "/gauge.js";
import { finite, short } from "/numbers.js";

const MOST = 2 ** 22; // bytes: a diagnosis has a few thousand
const LAYERS = [
  ["name", "layer"],
  ["inputs", "inputs"],
  ["outputs", "outputs"],
  ["variance", "weight variance"],
  ["initial_variance", "at the start"],
  ["signal", "signal"],
  ["gradient", "gradient"],
];
const byId = (id) => document.getElementById(id);

export class Modules {
  constructor(shown) {
    this.shown = shown;
    this.place = byId("module");
    this.gauge = new Gauge(byId("gauge-module"), { what: "radius", border: "largest radius that chi allows", beyond: "chi is below 1.8" });
    const field = byId("module-file");
    byId("module-open").addEventListener("click", () => field.click());
    field.addEventListener("change", () => {
      if (field.files.length) this.take(field.files[0]);
      field.value = "";
    });
  }

  async take(file) {
    this.shown();
    this.place.hidden = false;
    byId("module-name").textContent = file.name;
    try {
      if (file.size > MOST) throw new Error("it is too large for a diagnosis");
      const read = JSON.parse(await file.text());
      this.show(read.diagnosis ?? read);
    } catch (error) {
      this.say("not read", `This is no diagnosis (${error.message}). Save one by: jominy diagnose my_model.py:build --inputs x.npy --labels y.npy --radius 0.03 --out module.json`, "warn");
      this.gauge.show(null, null, "");
      byId("module-said").replaceChildren();
      byId("module-layers").replaceChildren();
    }
    this.place.scrollIntoView({ block: "nearest" });
  }

  show(told) {
    if (!Array.isArray(told?.said) || !told.said.length || !finite(told.radius)) throw new Error("it has no sentences, or no radius");
    const { outlook } = told;
    const [first, ...rest] = told.said.map(String);
    this.say(outlook?.verdict ?? "not known", first, outlook?.verdict === "likely to work" ? "" : "warn");
    const otherwise = outlook ? "No radius was found at which chi is 1.8 or more." : "Without labels nothing is known of the radius.";
    this.gauge.show(told.radius, outlook?.largest_radius, otherwise);
    byId("module-said").replaceChildren(...rest.map((words) => element("li", { textContent: words })));
    this.table(Array.isArray(told.layers) ? told.layers : []);
  }

  table(layers) {
    const place = byId("module-layers");
    place.replaceChildren();
    const columns = LAYERS.filter(([name]) => layers.some((layer) => layer?.[name] !== undefined && layer[name] !== null));
    if (!columns.length) return;
    const table = element("table", {}, place);
    const head = element("tr", {}, element("thead", {}, table));
    for (const [, label] of columns) element("th", { textContent: label, scope: "col" }, head);
    const body = element("tbody", {}, table);
    for (const layer of layers) {
      const row = element("tr", {}, body);
      for (const [name] of columns) element("td", { textContent: finite(layer[name]) ? short(layer[name], 4) : String(layer[name] ?? "") }, row);
    }
  }

  say(word, words, look) {
    const state = this.place.querySelector(".state");
    state.className = `state ${look}`;
    state.querySelector(".word").textContent = word;
    state.querySelector(".words").textContent = words;
  }
}
