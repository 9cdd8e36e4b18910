import { open } from 'node:fs/promises';

/** What may stand in the log at a level that says that something is wrong. */
const EXPECTED = new Set(['request', 'websocket closed', 'instance ejected']);
const WRONG = new Set(['error', 'fatal']);

/** The lines of the gateway's log, as far as they tell of requests with the fuzzer's ids. */
export class AccessLines {
  /** By id: the statuses of access lines, and how many lines tell of its socket's end. */
  requests = new Map();
  /** Lines that should not be there. */
  odd = [];
  #path;
  #ids;
  #at = 0;

  constructor(path, ids) {
    this.#path = path;
    this.#ids = ids;
  }

  /** Reads what was logged since the last time. */
  async read() {
    for (const text of (await this.#newText()).split('\n')) {
      if (text === '') continue;
      const line = parse(text);
      if (line === undefined || isOdd(line)) this.odd.push(text);
      const id = this.#ids.firstIn(line?.request_id);
      if (id === undefined) continue;
      const entry = this.requests.get(id) ?? { statuses: [], closed: 0 };
      if (line.message === 'request') entry.statuses.push(line.status);
      else if (line.message === 'websocket closed') entry.closed++;
      this.requests.set(id, entry);
    }
  }

  forget() {
    this.requests.clear();
    this.odd.length = 0;
  }

  async #newText() {
    await using file = await open(this.#path);
    const { size } = await file.stat();
    const bytes = Buffer.alloc(size - this.#at);
    await file.read(bytes, 0, bytes.length, this.#at);
    const end = bytes.lastIndexOf('\n') + 1;
    this.#at += end;
    return bytes.toString('utf8', 0, end);
  }
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isOdd({ level, message, error_code: code }) {
  return (WRONG.has(level) && !EXPECTED.has(message)) || code === 'INTERNAL_ERROR';
}

/** What is wrong with the lines of a batch. @param taken ids of requests that the gateway certainly took */
export function faultsOfLines(requests, taken) {
  const faults = [];
  for (const [id, { statuses, closed }] of requests) {
    if (statuses.length > 1) faults.push(`${id} has ${statuses.length} access lines: ${statuses.join()}`);
    if (closed > 1) faults.push(`${id} has ${closed} lines of its socket's end`);
    if (statuses[0] === 101 && closed === 0) faults.push(`${id} has no line of its socket's end`);
  }
  for (const id of taken) {
    if ((requests.get(id)?.statuses.length ?? 0) === 0) faults.push(`${id} has no access line`);
  }
  return faults;
}
