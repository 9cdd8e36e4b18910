// What clients notice while services fail: a gateway before real processes, under a constant load, one phase for each
// fault; a table of what came of it, and assertions on the services' ledgers. Run it after a build:
//   node test/faults/run.mjs [--only kill,rolling] [--clients 24] [--report FILE]
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { DnsServer } from '../support/dns.ts';
import { limitTime } from './children.mjs';
import { figuresOf, isFailed } from './figures.mjs';
import { breachesOf, executionsIn } from './ledger.mjs';
import { PHASES } from './phases.mjs';
import { Report } from './report.mjs';
import { System } from './system.mjs';

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    clients: { type: 'string', default: '24' },
    report: { type: 'string' },
  },
});

/** A system for the phase, with a name server where it wants one. */
async function start({ key, count, hosts, dnsName, env }, root) {
  const basics = { directory: join(root, key), clients: Number(options.clients), count, hosts };
  if (dnsName === undefined) return System.start({ ...basics, env });
  const dns = await DnsServer.start({ [dnsName]: hosts.slice(0, -1) });
  const system = await System.start({
    ...basics,
    env: { ...env, DNS_SERVERS: dns.address },
    addresses: ([{ port }]) => `dns://${dnsName}:${port}`,
  });
  system.dns = dns;
  return system;
}

async function play(phase, root, report, all) {
  const system = await start(phase, root);
  try {
    await phase.run(system);
    const { isAlive, end } = system.gateway;
    report.assert(phase.key, 'the gateway lives', isAlive, `it ended with ${end}`);
  } finally {
    await system.end();
    await system.dns?.[Symbol.asyncDispose]();
  }
  const { records } = system.load;
  const requests = await system.gateway.requests();
  const figures = figuresOf(system);
  report.row(phase, figures);
  const seen = { records, requests, figures, system };
  for (const { name, holds, detail } of phase.asserts) {
    report.assert(phase.key, name, holds(seen), detail?.(seen) ?? JSON.stringify(figures.failures));
  }
  const unnamed = records.filter(
    ({ status, instance, code }) => status >= 500 && instance === undefined && code === undefined,
  );
  report.assert(
    phase.key,
    "the gateway's own 5xx have X-Gateway-Error",
    unnamed.length === 0,
    `${unnamed.length} have none`,
  );
  report.assert(
    phase.key,
    'no word on stderr',
    system.gateway.stderr === '',
    system.gateway.stderr.slice(0, 500),
  );
  all.records.push(...records);
  all.ledgers.push(...system.instances.map(({ ledger }) => ledger));
}

const keys = options.only?.split(',') ?? PHASES.map(({ key }) => key);
const phases = PHASES.filter(({ key }) => keys.includes(key));
if (phases.length < keys.length) throw new Error(`Phases are ${PHASES.map(({ key }) => key).join()}`);
limitTime(phases.length * 20_000);

const root = await mkdtemp(join(tmpdir(), 'gateway-faults-'));
const report = new Report();
const all = { records: [], ledgers: [] };
for (const phase of phases) await play(phase, root, report, all);

const { lostReads, doubledWrites, silentlyLostWrites } = breachesOf(
  all.records,
  await executionsIn(all.ledgers),
);
const counted = [
  ['reads lost', lostReads],
  ['writes executed twice', doubledWrites],
  ['writes lost without an error', silentlyLostWrites],
];
for (const [name, found] of counted) {
  report.assert('all', `${name}: 0`, found.length === 0, JSON.stringify(found.slice(0, 3)));
}
const writes = all.records.filter(({ isWrite }) => isWrite);
report.note(
  `${all.records.length} requests, ${writes.length} of them writes, ${all.records.filter(isFailed).length} failed. ` +
    counted.map(([name, found]) => `${name}: ${found.length}`).join('; '),
);
if (report.failed === 0) await rm(root, { recursive: true });
else report.note(`Logs and ledgers are in ${root}`);
if (options.report) await writeFile(options.report, JSON.stringify(report.assertions));
report.end();
process.exit(report.failed === 0 ? 0 : 1);
