// Controls made from the server's description: a slider and a field for each number, bounds from one place.

import { short } from "/numbers.js";

const POSITIONS = 200; // steps of a slider: arrow keys move by one

export class Controls {
  // form: where they go; described: from the server; groups: [legend, names]; changed(name) is called on input
  constructor(form, described, groups, changed) {
    this.described = Object.fromEntries(described.map((one) => [one.name, one]));
    this.state = Object.fromEntries(described.map((one) => [one.name, one.value]));
    this.rows = {};
    this.changed = changed;
    form.addEventListener("submit", (event) => event.preventDefault());
    for (const [legend, names] of groups) {
      const group = element("fieldset", {}, form);
      element("legend", { textContent: legend }, group);
      for (const name of names) this.rows[name] = this.row(this.described[name], group, form.id || legend);
    }
  }

  row(one, group) {
    const row = element("div", { className: `row ${one.kind}` }, group);
    row.dataset.name = one.name;
    const id = `${group.closest("section")?.id ?? "page"}-${one.name}`;
    const label = element("label", { textContent: one.label, htmlFor: id }, row);
    const told = one.path ?? (one.unit || one.hint); // a number of the user's scenario: where it is in the file
    if (told) element("small", { textContent: told, className: one.path ? "path" : "" }, label);
    if (one.path) label.title = one.hint;
    if (one.kind === "choice") {
      const select = element("select", { id }, row);
      for (const [value, words] of one.words) element("option", { value, textContent: words }, select);
      select.addEventListener("change", () => this.take(one.name, select.value));
      return { row, show: (value) => (select.value = value) };
    }
    if (one.kind === "switch") {
      const box = element("input", { type: "checkbox", id }, row);
      box.addEventListener("change", () => this.take(one.name, box.checked));
      return { row, show: (value) => (box.checked = value) };
    }
    const slider = element("input", { type: "range", id, min: 0, max: POSITIONS, step: 1 }, row);
    const field = element("input", { type: "number", min: one.min, max: one.max, step: "any" }, row);
    field.setAttribute("aria-label", `${one.label}, exact`);
    slider.addEventListener("input", () => {
      const [position, before] = [Number(slider.value), this.state[one.name]];
      let value = valueAt(one, position);
      // A step of the slider that is less than one is one: every arrow key counts.
      if (one.whole && value === before) value += Math.sign(position - positionOf(one, before));
      this.take(one.name, Math.min(one.max, Math.max(one.min, value)));
    });
    field.addEventListener("input", () => {
      const value = Number(field.value);
      const fits = field.value !== "" && Number.isFinite(value) && value >= one.min && value <= one.max;
      const good = fits && (!one.whole || Number.isInteger(value));
      field.setAttribute("aria-invalid", String(!good));
      if (good) this.take(one.name, value);
    });
    field.addEventListener("change", () => this.show(one.name)); // what was refused goes back
    return {
      row,
      show: (value) => {
        slider.value = positionOf(one, value);
        slider.setAttribute("aria-valuetext", `${short(value, 4)} ${one.unit}`);
        if (document.activeElement !== field || Number(field.value) !== value) field.value = Number(value.toPrecision(6));
        field.setAttribute("aria-invalid", "false");
      },
    };
  }

  take(name, value) {
    this.state[name] = value;
    this.show(name);
    this.changed(name);
  }

  show(name) {
    this.rows[name]?.show(this.state[name]);
  }

  // Values from a link or the server: what is not allowed is left as it is.
  set(values) {
    for (const [name, given] of Object.entries(values)) {
      const one = this.described[name];
      if (!one) continue;
      const value = allowed(one, given);
      if (value !== undefined) this.state[name] = value;
    }
    for (const name of Object.keys(this.rows)) this.show(name);
  }

  only(visible) {
    for (const [name, { row }] of Object.entries(this.rows)) row.hidden = !visible(name);
    for (const { row } of Object.values(this.rows)) {
      const group = row.parentElement;
      group.hidden = [...group.querySelectorAll(".row")].every((one) => one.hidden);
    }
  }

  // What differs from how the page opens, for a link.
  differing() {
    return Object.entries(this.state).filter(([name, value]) => value !== this.described[name].value);
  }
}

function allowed(one, given) {
  if (one.kind === "choice") return one.words.some(([value]) => value === given) ? given : undefined;
  if (one.kind === "switch") return given === true || given === "true" ? true : given === false || given === "false" ? false : undefined;
  const value = Number(given);
  if (given === "" || !Number.isFinite(value) || value < one.min || value > one.max) return undefined;
  return one.whole ? Math.round(value) : value;
}

function valueAt(one, position) {
  const [low, high] = one.slider;
  const share = position / POSITIONS;
  const value = one.log ? low * (high / low) ** share : low + (high - low) * share;
  return one.whole ? Math.round(value) : Number(value.toPrecision(3));
}

function positionOf(one, value) {
  const [low, high] = one.slider;
  const share = one.log ? Math.log(Math.max(value, 1e-300) / low) / Math.log(high / low) : (value - low) / (high - low);
  return Math.round(POSITIONS * Math.min(1, Math.max(0, share)));
}

export function element(tag, properties, parent) {
  const made = Object.assign(document.createElement(tag), properties);
  parent?.append(made);
  return made;
}
