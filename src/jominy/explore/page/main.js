// The page as a whole: tabs, the state in the link, copies and files.

import { ask, askJson } from "/api.js";
import { Curves } from "/curves.js";
import { Design } from "/design.js";
import { PhaseMap } from "/map.js";
import { Modules } from "/modules.js";
import { Networks } from "/networks.js";
import { Tables } from "/tables.js";

const TABS = ["curves", "design", "networks", "map"];
const byId = (id) => document.getElementById(id);
let tab = "curves";
let tabs;

async function begin() {
  const answer = await fetch("/api/start");
  const told = await answer.json();
  if (!answer.ok) throw new Error(told.error);
  const modules = new Modules(() => open("networks"));
  const tables = new Tables({ most: told.most_bytes_of_a_table, here: told.here, modules }, (table) => {
    const kept = Object.entries(table).filter(([, value]) => value);
    history.replaceState(null, "", `#${new URLSearchParams(kept.map(([name, value]) => [`t.${name}`, value]))}`);
    location.reload();
  });
  const [table, missing] = await opened(told);
  const curves = new Curves(told.controls.curves, table, () => {
    keepInLink();
    if (tab === "map") tabs.map.refresh();
  });
  const networks = new Networks(told.controls.networks, keepInLink);
  tabs = { curves, networks, map: new PhaseMap(curves), design: new Design(curves, keepInLink) };
  curves.controls.set(told.state.curves);
  networks.controls.set(told.state.networks);
  restore(told.tab);
  for (const name of TABS) byId(`tab-${name}`).addEventListener("click", () => open(name));
  document.querySelector('[role="tablist"]').addEventListener("keydown", arrows);
  for (const button of document.querySelectorAll("[data-copy]")) button.addEventListener("click", () => copy(button.dataset.copy));
  for (const button of document.querySelectorAll("[data-file]")) button.addEventListener("click", () => file(button));
  if (missing) {
    tables.begin("A table of yours");
    tables.say(missing);
  }
  addEventListener("hashchange", () => {
    if (location.hash.slice(1) === written) return;
    const other = new URLSearchParams(location.hash.slice(1)).get("t.id");
    if (other !== (curves.table?.id ?? null)) location.reload(); // another table
    else restore(tab);
  });
}

// The table that the link names, and the page's controls for it; or why it cannot be opened.
async function opened(told) {
  const kept = new URLSearchParams(location.hash.slice(1));
  if (!kept.get("t.id")) return [null, ""];
  const table = { id: kept.get("t.id"), target: kept.get("t.target") ?? "", classes: kept.get("t.classes") ?? "", loss: kept.get("t.loss") ?? "", encode: kept.has("t.encode") };
  try {
    const { name, numbers, start } = await askJson("open", { table }, { busy: (words) => notReady("busy", words) });
    const { curves } = told.controls;
    const problem = curves.find((one) => one.name === "problem");
    problem.words = [...problem.words.filter(([value]) => value !== "own"), ["own", `your table ${name}`]];
    told.controls.curves = [...curves.filter((one) => !one.path), ...numbers.filter((one) => !one.path.startsWith("schedule."))];
    for (const one of told.controls.curves) if (one.name in start) one.value = start[one.name];
    told.state.curves = start;
    return [table, ""];
  } catch (error) {
    return [null, error.message];
  }
}

function open(name) {
  tab = name;
  for (const one of TABS) {
    const chosen = one === name;
    byId(`tab-${one}`).setAttribute("aria-selected", String(chosen));
    byId(`tab-${one}`).tabIndex = chosen ? 0 : -1;
    byId(`panel-${one}`).hidden = !chosen;
  }
  keepInLink();
  tabs[name].refresh();
}

function arrows(event) {
  const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (!by) return;
  const next = TABS[(TABS.indexOf(tab) + by + TABS.length) % TABS.length];
  open(next);
  byId(`tab-${next}`).focus();
}

let written = "";

// Everything that differs from the defaults, in the part of the address that is never sent.
function keepInLink() {
  const kept = new URLSearchParams();
  if (tab !== "curves") kept.set("tab", tab);
  for (const [name, value] of Object.entries(tabs.curves.table ?? {})) if (value) kept.set(`t.${name}`, value);
  for (const name of ["curves", "networks"]) {
    for (const [key, value] of tabs[name].controls.differing()) kept.set(`${name[0]}.${key}`, value);
  }
  if (tabs.design.moved) kept.set("d.rates", tabs.design.rates.join(","));
  written = kept.toString();
  history.replaceState(null, "", written ? `#${written}` : location.pathname);
}

function restore(otherwise) {
  const kept = new URLSearchParams(location.hash.slice(1));
  if (kept.size) {
    for (const name of ["curves", "networks"]) {
      const { controls } = tabs[name];
      controls.set(Object.fromEntries(Object.values(controls.described).map((one) => [one.name, one.value])));
      const own = [...kept].filter(([key]) => key.startsWith(`${name[0]}.`)).map(([key, value]) => [key.slice(2), value]);
      controls.set(Object.fromEntries(own));
    }
  }
  tabs.design.restore(kept.get("d.rates"));
  const asked = kept.get("tab") ?? (kept.size ? "curves" : otherwise);
  tab = TABS.includes(asked) ? asked : "curves";
  tabs.curves.changed();
  open(tab);
}

const states = () => ({ curves: tabs.curves.asked(), networks: tabs.networks.controls.state, rates: tab === "design" ? tabs.design.rates : [] });

async function copy(form) {
  const dialog = byId("copied");
  const title = { link: "Link to these settings", toml: "Scenario file (TOML)", python: "Python script" }[form];
  dialog.querySelector("h2").textContent = title;
  const [area, words] = [dialog.querySelector("textarea"), dialog.querySelector("p")];
  area.value = "";
  words.textContent = "";
  if (!dialog.open) dialog.showModal();
  try {
    const { curves, networks, rates } = states();
    const busy = (told) => (words.textContent = told);
    area.value = form === "link" ? location.href : (await askJson("text", tab === "networks" ? { form, networks } : { form, curves, rates }, { busy })).text;
    area.select();
    await navigator.clipboard.writeText(area.value);
    words.textContent = "Copied to the clipboard.";
  } catch (error) {
    words.textContent = area.value ? "Select and copy it: the browser does not let the page do so." : error.message;
  }
}

async function file(button) {
  const form = button.dataset.file;
  const runs = tab === "curves" && tabs.curves.hasRuns;
  const what = runs ? "runs" : tab === "design" ? "curves" : tab;
  button.disabled = true;
  try {
    let waited = null; // the tab that has said so
    const busy = (told) => (waited = tabs[tab]).say("busy", told, "busy");
    const blob = await (await ask("file", { what, form, ...states() }, { busy })).blob();
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = `jominy-${what}.${form}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    waited?.refresh();
  } catch (error) {
    tabs[tab].say("no file", error.message, "warn");
  } finally {
    button.disabled = false;
  }
}

function notReady(word, words) {
  const state = document.querySelector(".state");
  state.className = "state warn";
  state.querySelector(".word").textContent = word;
  state.querySelector(".words").textContent = words;
}

begin().catch((error) => notReady("not ready", error.message));
