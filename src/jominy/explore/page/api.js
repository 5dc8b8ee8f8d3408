// Questions to the server, and the two ways of asking often: the latest wins, and after a pause.

import { sentence } from "/numbers.js";

// What this page calls itself, so that the server lets those who ask take turns.
const PAGE = Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join("");
const LONGEST_PAUSE = 15; // seconds between two tries of a question that a busy server has refused

// A newer question has taken the place of this one.
export class Replaced extends Error {
  constructor() {
    super("A newer question of this page has taken its place.");
  }
}

// body: a value for JSON, or a file. busy(words) is told when the server is busy: the question is asked again by itself,
// as long as outdated() is not true.
export async function ask(name, body, { busy = () => {}, outdated = () => false } = {}) {
  for (let pause = 1; ; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
    if (outdated()) throw new Replaced();
    const answer = await post(name, body);
    if (answer.status === 204) throw new Replaced();
    if (answer.ok) return answer;
    if (answer.status !== 503) throw new Error(await reason(answer));
    busy(`${sentence(await reason(answer))} Trying again by itself.`);
    await sleep(1000 * pause * (0.75 + Math.random() / 2));
  }
}

export async function post(name, body, more = {}) {
  const file = body instanceof Blob;
  const headers = { "content-type": file ? "text/csv" : "application/json", "x-jominy-page": PAGE };
  try {
    return await fetch(`/api/${name}`, { method: "POST", headers, body: file ? body : JSON.stringify(body), ...more });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("The server does not answer: is `jominy explore` still running?");
  }
}

const sleep = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

// Tells every second, until the function that it returns is called, how long an answer has been awaited, and how many
// questions of others come first.
export function meanwhile(worker, tell) {
  const begin = Date.now();
  const timer = setInterval(async () => {
    let others = 0;
    try {
      const queue = (await (await fetch("/api/waiting", { headers: { "x-jominy-page": PAGE } })).json())[worker];
      others = queue.ahead + (queue.at_others ? 1 : 0);
    } catch {} // the question itself will say what is wrong
    if (!ended) tell(Math.round((Date.now() - begin) / 1000), others);
  }, 1000);
  let ended = false;
  return () => {
    ended = true;
    clearInterval(timer);
  };
}

export const comeFirst = (others) => `The machine is busy: ${others === 1 ? "another question comes" : `${others} other questions come`} first. This one is answered by itself.`;

export const askJson = async (name, body, more) => (await ask(name, body, more)).json();

export async function reason(answer) {
  try {
    return (await answer.json()).error;
  } catch {
    return answer.status === 503 ? "the server is busy" : `the server answered ${answer.status}`;
  }
}

const QUEUED = 400; // milliseconds without an answer after which a newer question is sent beside the older one

// Of the questions that come while one is answered only the last is asked. One that has not been answered for a while
// may be waiting in the server's queue: there the newer one takes its place.
export class Latest {
  // work(...given, outdated): outdated() is true once a newer one has been asked
  constructor(work) {
    Object.assign(this, { work, next: null, flying: 0, begun: 0, count: 0, timer: 0 });
  }
  call(...given) {
    clearTimeout(this.timer);
    this.next = this.flying && JSON.stringify(given) === this.last ? null : given;
    if (!this.next) return; // it is on its way
    if (!this.flying) this.send();
    else this.timer = setTimeout(() => this.send(), Math.max(0, this.begun + QUEUED - Date.now()));
  }
  async send() {
    clearTimeout(this.timer);
    if (!this.next) return;
    const given = this.next;
    this.last = JSON.stringify(given);
    this.next = null;
    this.begun = Date.now();
    this.flying += 1;
    const mine = ++this.count;
    try {
      await this.work(...given, () => mine !== this.count);
    } finally {
      this.flying -= 1;
      this.send();
    }
  }
}

// Dims what belongs to older settings, once nothing new has come for a moment.
export class Fresh {
  // panels: what is dimmed is within them; places: what is busy meanwhile; waiting() is called when it begins to show
  constructor(panels, places, waiting) {
    Object.assign(this, { panels, places, waiting, timer: 0 });
    this.mark(false, true); // nothing is there yet
  }
  asked() {
    this.timer ||= setTimeout(() => {
      this.mark(true, true);
      this.waiting();
    }, 250);
  }
  // more: newer settings than those that have been answered are on their way
  answered(more) {
    clearTimeout(this.timer);
    this.timer = 0;
    this.mark(false, more);
    if (more) this.asked();
  }
  // Nothing newer comes: what is shown stays, of older settings.
  failed() {
    clearTimeout(this.timer);
    this.timer = 0;
    this.mark(true, false);
  }
  mark(stale, busy) {
    for (const panel of this.panels) panel.classList.toggle("stale", stale);
    for (const place of this.places) place.setAttribute("aria-busy", String(busy));
  }
}

export function afterPause(work, milliseconds) {
  let timer = 0;
  return (...given) => {
    clearTimeout(timer);
    timer = setTimeout(() => work(...given), milliseconds);
  };
}

// The events of a stream, as they come.
export async function* events(answer) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    text += value;
    const parts = text.split("\n\n");
    text = parts.pop();
    for (const part of parts) {
      const [name, data] = part.split("\n");
      if (name.startsWith("event: ")) yield [name.slice(7), JSON.parse(data.slice(6))];
    }
  }
}
