// Tables of one's own: dropped onto the page, or chosen; then the page opens on them.

import { askJson, post, reason } from "/api.js";
import { element } from "/controls.js";
import { sentence } from "/numbers.js";

const byId = (id) => document.getElementById(id);

export class Tables {
  // most: bytes; here: whether the server is for this machine alone; modules take what is no table; open(table) opens the page on it
  constructor({ most, here, modules }, open) {
    Object.assign(this, { most, modules, open });
    this.dialog = byId("table");
    [this.words, this.form] = [this.dialog.querySelector(".words"), this.dialog.querySelector("form")];
    [this.target, this.classes, this.loss, this.encode] = ["target", "classes", "loss", "encode"].map((name) => byId(`table-${name}`));
    this.dialog.querySelector(".fine").textContent = here
      ? "The file stays on this machine: jominy reads it here, keeps a copy until the explorer ends, and sends it nowhere."
      : "The file goes to the machine on which the explorer runs, unencrypted, and nowhere else; it is kept there until the explorer ends.";
    const field = byId("table-file");
    byId("table-open").addEventListener("click", () => field.click());
    field.addEventListener("change", () => {
      if (field.files.length) this.take(field.files[0]);
      field.value = "";
    });
    addEventListener("dragover", (event) => {
      if (![...event.dataTransfer.types].includes("Files")) return;
      event.preventDefault();
      document.body.classList.add("dropping");
    });
    addEventListener("dragleave", (event) => event.relatedTarget === null && document.body.classList.remove("dropping"));
    addEventListener("drop", (event) => {
      document.body.classList.remove("dropping");
      if (!event.dataTransfer.files.length) return;
      event.preventDefault();
      this.take(event.dataTransfer.files[0]);
    });
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.chosen();
    });
    byId("table-cancel").addEventListener("click", () => this.dialog.close());
    this.target.addEventListener("change", () => this.say("", false));
  }

  // A file of the user's.
  async take(file) {
    if (/\.json$/i.test(file.name)) return this.modules.take(file);
    this.begin(file.name);
    if (!/\.csv$/i.test(file.name)) return this.say("The page takes tables as .csv files; the jominy command reads .npz, .npy and .parquet too.");
    if (file.size > this.most) return this.say(`The page takes tables of at most ${this.most / 2 ** 20} MiB, and this one has ${(file.size / 2 ** 20).toFixed(1)}: use the jominy command, or fewer rows.`);
    this.say("Reading it.", false);
    try {
      const answer = await post(`table?name=${encodeURIComponent(file.name)}`, file);
      if (!answer.ok) throw new Error(await reason(answer));
      const told = (this.told = await answer.json());
      this.target.replaceChildren();
      for (const name of told.columns) element("option", { value: name, textContent: name }, this.target);
      this.target.value = told.likely;
      this.form.hidden = false;
      this.say(`${told.rows} rows, ${told.count} columns. ${told.notes.map(sentence).join(" ")}`, false);
      this.target.focus();
    } catch (error) {
      this.say(error.message);
    }
  }

  async chosen() {
    const table = { id: this.told.id, target: this.target.value, classes: this.classes.value.trim(), loss: this.loss.value, encode: this.encode.checked };
    this.say("Reading it, and looking where it collapses; this may be compiled first.", false);
    try {
      await askJson("open", { table }, { busy: (told) => this.say(told, false) });
      this.dialog.close();
      this.open(table);
    } catch (error) {
      const found = /--classes (?:'([^']*)'|([^\s:]+:[^\s.,)]+))/.exec(error.message); // as one would type it in a shell
      const suggested = found && (found[1] ?? found[2]);
      byId("table-groups").hidden = !suggested && !table.classes;
      const words = error.message.includes("--encode");
      if (words) byId("table-words").hidden = false;
      if (words && !table.encode) this.encode.checked = true;
      if (suggested && !table.classes) this.classes.value = suggested;
      if (words && !table.encode) this.say("The table has words or missing values: they can be made numbers (below). Press Forecast again.");
      else if (suggested && !table.classes) this.say("The target has more than two kinds: choose two groups of them (below), or take it for a number if it is one. Press Forecast again.");
      else this.say(error.message);
    }
  }

  begin(name) {
    byId("table-title").textContent = name;
    this.form.hidden = true;
    this.classes.value = this.loss.value = "";
    this.encode.checked = false;
    byId("table-words").hidden = true;
    byId("table-groups").hidden = true;
    if (!this.dialog.open) this.dialog.showModal();
  }

  say(words, wrong = true) {
    this.words.textContent = words;
    this.words.classList.toggle("wrong", wrong);
  }
}
