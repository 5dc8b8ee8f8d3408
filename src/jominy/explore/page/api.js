// Questions to the server, and the two ways of asking often: the latest wins, and after a pause.

export async function ask(name, body) {
  let answer;
  try {
    answer = await fetch(`/api/${name}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  } catch {
    throw new Error("The server does not answer: is `jominy explore` still running?");
  }
  if (!answer.ok) throw new Error(await reason(answer));
  return answer;
}

export const askJson = async (name, body) => (await ask(name, body)).json();

export async function reason(answer) {
  try {
    return (await answer.json()).error;
  } catch {
    return `the server answered ${answer.status}`;
  }
}

// One request at a time; of those that come meanwhile only the last is made.
export class Latest {
  constructor(work) {
    this.work = work;
    this.busy = false;
    this.next = null;
  }
  async call(...given) {
    if (this.busy) {
      this.next = given;
      return;
    }
    this.busy = true;
    try {
      await this.work(...given);
    } finally {
      this.busy = false;
      if (this.next) {
        const next = this.next;
        this.next = null;
        this.call(...next);
      }
    }
  }
  get waiting() {
    return this.next !== null;
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
