import { setTimeout as delay } from 'node:timers/promises';
import { faultsOfLines } from './access-lines.mjs';
import { Client } from './client/client.mjs';
import { faultsOf } from './client/checks.mjs';
import { planClient } from './client/plan.mjs';
import { CHECKS, ownerName } from './traffic/ids.mjs';

const CLIENTS = 60;
/** The longest that clients may take, their starts and all waits included. */
const PLAY_MS = 60_000;
const TRIES = 5;
const LINES_MS = 3_000;
const LOOK_MS = 50;

/** One batch: many clients at once, and then all that must hold. */
export class Batch {
  #run;
  #number;
  #clients = [];

  /** @param run what the batches of a seed share: seed, random, ids, system, rest, lines, report, note, scenario */
  constructor(run, number) {
    this.#run = run;
    this.#number = number;
  }

  /** @param only the numbers of the clients that play; all, if undefined */
  async play(only) {
    const { random, ids, scenario, system, note, report } = this.#run;
    const isOver = () => !system.gateway.isAlive;
    for (let number = 0; number < CLIENTS; number++) {
      if (only && !only.includes(number)) continue;
      const own = random.fork(`client/${this.#number}/${number}`);
      const plan = planClient(own, scenario(), (request) => ids.create(this.#number, number, request));
      const client = new Client(plan, (text, bytes) => note(`client ${number}`, text, bytes));
      this.#clients.push({ number, client });
    }
    const runs = this.#clients.map(({ client }) => client.run(system.gateway.port, isOver));
    const isDone = Promise.all(runs).then(() => true);
    const isInTime = await Promise.race([isDone, delay(PLAY_MS, false, { ref: false })]);
    report.check('all clients are done', isInTime ? [] : [`not after ${PLAY_MS / 1_000} s`]);
  }

  /** Looks at everything that must hold after a batch; a gateway that answers nothing more is a finding too. */
  async check() {
    try {
      await this.#checkAll();
    } catch (error) {
      this.#run.report.check('the gateway can be looked at', [String(error.stack)]);
    }
  }

  async #checkAll() {
    const { system, report, rest } = this.#run;
    const { gateway } = system;
    this.#checkClients();
    report.check('the gateway lives', gateway.isAlive ? [] : [`it ended with ${gateway.end}`]);
    report.check('no word on stderr', gateway.stderr === '' ? [] : [gateway.stderr.slice(0, 3_000)]);
    if (!gateway.isAlive) return;
    report.check('connections and pools are back', await rest.wait());
    await this.#checkService();
    report.check('objects and heap are back', await rest.memory(this.#number));
    await this.#checkLines();
    this.release();
  }

  /** Ends what clients and services hold open. */
  release() {
    for (const { client } of this.#clients) client.release();
    this.#run.system.reset();
  }

  #checkClients() {
    const { ids, system, report } = this.#run;
    const faults = this.#clients.flatMap(({ number, client }) => {
      const owner = ownerName(this.#number, number);
      const found = faultsOf(client, { ids, owner, seen: (id) => system.seen(id) });
      return found.map((fault) => `client ${number} ${fault}`);
    });
    report.check('each client got its own, whole and in order', system.gateway.isAlive ? faults : []);
  }

  /** A plain GET and a WebSocket echo. The breaker of a service may need a few tries. */
  async #checkService() {
    const { report } = this.#run;
    const faults = [];
    for (const kind of ['http', 'websocket']) {
      let last;
      for (let attempt = 0; attempt < TRIES; attempt++) {
        last = await this.#tryService(kind, attempt);
        if (last === undefined) break;
      }
      if (last !== undefined) faults.push(`${kind}: ${last}`);
    }
    report.check('a request and a WebSocket are served', faults);
  }

  async #tryService(kind, attempt) {
    const { ids, random, scenario, system, note } = this.#run;
    const own = random.fork(`check/${this.#number}/${kind}/${attempt}`);
    const base = scenario();
    const plain = {
      ...base,
      clients: { [kind]: 1 },
      services: { auth: 1 },
      mutatedShare: 0,
      endings: { polite: 1 },
      requests: 1,
    };
    const number = attempt + (kind === 'http' ? 0 : TRIES);
    const plan = planClient(own, plain, () => ids.create(this.#number, CHECKS, number));
    if (kind === 'websocket') plan.requests.splice(1);
    const client = new Client({ ...plan, startMs: 0 }, (text, bytes) => note(`check ${kind}`, text, bytes));
    await client.run(system.gateway.port, () => !system.gateway.isAlive);
    const isServed = kind === 'http' ? client.received.responses.length === 1 : client.received.isSwitched;
    if (!isServed) return `status ${client.received.responses[0]?.status}, ended by ${client.end}`;
    const owner = ownerName(this.#number, CHECKS);
    return faultsOf(client, { ids, owner, seen: (id) => system.seen(id) })[0];
  }

  /** Lines may come a moment after what they tell of. */
  async #checkLines() {
    const { report, lines } = this.#run;
    const taken = this.#taken(this.#run);
    const until = performance.now() + LINES_MS;
    let faults;
    do {
      await lines.read();
      faults = faultsOfLines(lines.requests, taken);
    } while (faults.length > 0 && performance.now() < until && (await delay(LOOK_MS, true)));
    report.check('no unexpected line in the log', lines.odd);
    report.check('one access line for each request', faults);
    lines.forget();
  }

  /** The ids of requests that the gateway certainly took. */
  #taken({ ids, system }) {
    const taken = new Set(system.seenIds.filter((id) => system.seen(id).isNamed));
    for (const { client } of this.#clients) {
      if (client.plan.isMutated) continue;
      // Bytes that are no request are answered without an id.
      for (const { id } of client.received.responses.flatMap(({ text }) => ids.in(text))) taken.add(id);
    }
    return taken;
  }
}
