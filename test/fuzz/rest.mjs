import { readdir, readFile, readlink } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { HOST } from '../faults/gateway.mjs';

const MIB = 1024 ** 2;
/** Longer than all timeouts of the gateway one after the other: headers, body, idle, lingering close. */
const REST_MS = 20_000;
const LOOK_MS = 100;
const BASE_LOOKS = 8;
const ASK_MS = 60_000;
/** Objects that lists of free parsers and the like may keep, whatever the number of batches. */
const MORE_OBJECTS = 120;
/** What code that is compiled late, labels of metrics and tokens in caches may take, and how much of it each batch. */
const MORE_HEAP_BYTES = 12 * MIB;
const MORE_HEAP_BYTES_PER_BATCH = 0.1 * MIB;

const LISTEN = '0A';
const STATES = { '01': 'ESTABLISHED', '04': 'FIN-WAIT-1', '05': 'FIN-WAIT-2', '08': 'CLOSE-WAIT' };
const FIGURES = [
  'upstream_connections',
  'upstream_requests_running',
  'upstream_requests_waiting',
  'http_requests_in_flight',
  'websocket_connections',
  'websocket_buffered_bytes',
];

/** What an idle gateway holds, so that what a batch leaves behind can be told. */
export class Rest {
  #gateway;
  /** What the heap held after the last batch, as text. */
  heapUsed = '';
  #base;
  #heap;

  constructor(gateway) {
    this.#gateway = gateway;
  }

  /** Takes the gateway of now as one at rest, once it has its connection to Redis. */
  async begin() {
    let base = await this.#look();
    while (base.sockets.length === 0) base = await this.#look();
    // A health check may be on its way.
    for (let look = 0; look < BASE_LOOKS; look++) {
      await delay(LOOK_MS);
      base = leastOf(base, await this.#look());
    }
    this.#base = { ...base, probe: await this.#gateway.ask('state', ASK_MS) };
  }

  /** Waits until connections and pools are back where they were. @returns what never was */
  async wait() {
    const until = performance.now() + REST_MS;
    let least;
    for (;;) {
      least = leastOf(least, await this.#look());
      const more = this.#moreThanBase(least);
      if (more.length === 0 || performance.now() > until) return more;
      await delay(LOOK_MS);
    }
  }

  /** @param batches how many have been played @returns which objects and how much heap have stayed, beyond bounds */
  async memory(batches) {
    const { heapUsed, external, objects, resources } = await this.#gateway.ask('state', ASK_MS);
    const base = this.#base.probe;
    const more = [];
    for (const [name, count] of Object.entries({ ...objects, ...resources })) {
      const before = base.objects[name] ?? base.resources[name] ?? 0;
      if (count > before + MORE_OBJECTS) more.push(`${count} ${name} (${before} before)`);
    }
    // Not the first batches: they compile the gateway's code.
    const used = heapUsed + external;
    this.#heap ??= { used, batches };
    const bound =
      this.#heap.used + MORE_HEAP_BYTES + (batches - this.#heap.batches) * MORE_HEAP_BYTES_PER_BATCH;
    if (used > bound) more.push(`${mib(used)} of heap (${mib(this.#heap.used)} after the first batch)`);
    this.heapUsed = mib(used);
    return more;
  }

  async #look() {
    const [sockets, files, figures] = await Promise.all([
      socketsOf(this.#gateway.pid),
      this.#gateway.openFiles(),
      figuresOf(this.#gateway.port),
    ]);
    return { sockets, files, figures };
  }

  #moreThanBase({ sockets, files, figures }) {
    const base = this.#base;
    const more = [];
    if (sockets.length > base.sockets.length) {
      const counts = Object.entries(Object.groupBy(sockets, ({ state }) => state));
      const states = counts.map(([state, list]) => `${list.length} ${state}`).join(', ');
      more.push(`sockets: ${states} (${base.sockets.length} before)`);
    }
    if (files > base.files) more.push(`${files} open files (${base.files} before)`);
    for (const name of FIGURES) {
      if (figures[name] > base.figures[name])
        more.push(`${name} ${figures[name]} (${base.figures[name]} before)`);
    }
    return more;
  }
}

/** The lower of each: a health check, which comes and goes, is not what a batch has left behind. */
function leastOf(one, other) {
  if (one === undefined) return other;
  const figures = Object.fromEntries(
    FIGURES.map((name) => [name, Math.min(one.figures[name], other.figures[name])]),
  );
  const sockets = other.sockets.length < one.sockets.length ? other.sockets : one.sockets;
  return { sockets, files: Math.min(one.files, other.files), figures };
}

const mib = (bytes) => `${(bytes / MIB).toFixed(1)} MiB`;

/** The TCP sockets that a process holds, besides those that listen. */
async function socketsOf(pid) {
  const directory = `/proc/${pid}/fd`;
  const links = await Promise.all(
    // A descriptor may be closed meanwhile.
    (await readdir(directory)).map((name) => readlink(`${directory}/${name}`).catch(() => '')),
  );
  const inodes = new Set(links.map((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1]).filter(Boolean));
  const sockets = [];
  for (const table of ['tcp', 'tcp6']) {
    const text = await readFile(`/proc/${pid}/net/${table}`, 'latin1').catch(() => '');
    for (const line of text.split('\n').slice(1)) {
      const [, local, remote, state, , , , , , inode] = line.trim().split(/\s+/);
      if (inodes.has(inode) && state !== LISTEN)
        sockets.push({ local, remote, state: STATES[state] ?? state });
    }
  }
  return sockets;
}

/** Sums of figures of /metrics, over all labels. */
async function figuresOf(port) {
  const response = await fetch(`http://${HOST}:${port}/metrics`, { headers: { Connection: 'close' } });
  const text = await response.text();
  const sums = Object.fromEntries(FIGURES.map((name) => [name, 0]));
  for (const [, name, value] of text.matchAll(/^(\w+)(?:\{[^}]*\})? (\S+)$/gm)) {
    if (name in sums) sums[name] += Number(value);
  }
  return sums;
}
