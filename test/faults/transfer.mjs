// What large bodies and crowds cost in memory: 1 GiB up and down through the gateway, and 2,000 connections before a slow
// service with 512 MiB for the gateway. Run it after a build: `node test/faults/transfer.mjs`.
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { limitTime } from './children.mjs';
import { askAll, startSlowService } from './crowd.mjs';
import { Gateway } from './gateway.mjs';
import { download, expected, startStorage, upload } from './large-bodies.mjs';
import { limitMemory } from './memory-limit.mjs';

const MIB = 1_024 ** 2;
const BODY_BYTES = 1_024 * MIB;
const MOST_FOR_BODIES = 256 * MIB;
const MOST_FOR_CROWD = 512 * MIB;
const CONNECTIONS = 2_000;

let [passed, failed] = [0, 0];

function assert(name, holds, detail) {
  if (holds) passed++;
  else failed++;
  console.log(`${holds ? 'ok    ' : 'FAILED'} ${name}: ${detail}`);
}

const mib = (bytes) => `${(bytes / MIB).toFixed(0)} MiB`;

async function carryLargeBodies(root) {
  const directory = join(root, 'bodies');
  await mkdir(directory);
  const storage = await startStorage(BODY_BYTES);
  const gateway = await Gateway.start({ directory, env: { STORAGE_SERVICE_URL: storage.url } });
  const wanted = expected(BODY_BYTES);
  const isWhole = (found) => found?.bytes === wanted.bytes && found.checksum === wanted.checksum;
  const rate = (since) => `${(BODY_BYTES / MIB / ((performance.now() - since) / 1_000)).toFixed(0)} MiB/s`;

  let begun = performance.now();
  const status = await upload(gateway.port, BODY_BYTES);
  const isTaken = status === 200 && isWhole(storage.taken[0]);
  assert(`upload of ${mib(BODY_BYTES)}`, isTaken, `${status}, ${rate(begun)}`);

  begun = performance.now();
  const got = await download(gateway.port, BODY_BYTES);
  assert(
    `download of ${mib(BODY_BYTES)}`,
    got.status === 200 && isWhole(got),
    `${got.status}, ${rate(begun)}`,
  );

  const peak = await gateway.memory('VmHWM');
  assert(`memory under ${mib(MOST_FOR_BODIES)}`, peak < MOST_FOR_BODIES, `at most ${mib(peak)}`);
  assert('no word on stderr', gateway.stderr === '', gateway.stderr || 'none');
  await gateway.kill();
  storage.close();
}

async function standACrowd(root, name, env) {
  const directory = join(root, name.replaceAll(/\W+/g, '-'));
  await mkdir(directory);
  const limit = limitMemory(MOST_FOR_CROWD);
  const service = await startSlowService();
  const { wrap } = limit;
  try {
    const gateway = await Gateway.start({ directory, wrap, env: { CHAT_SERVICE_URL: service.url, ...env } });
    const begun = performance.now();
    const outcomes = await askAll(gateway.port, CONNECTIONS);
    const seconds = ((performance.now() - begun) / 1_000).toFixed(1);
    const isAnswered = Object.keys(outcomes).every((outcome) => /^(200|503 \w+)$/.test(outcome));
    assert(`${name}: each client has an answer`, isAnswered, `${JSON.stringify(outcomes)} in ${seconds} s`);
    assert(`${name}: the gateway lives`, gateway.isAlive, gateway.isAlive ? 'yes' : `ended: ${gateway.end}`);
    if (gateway.isAlive) {
      const after = await askAll(gateway.port, 3);
      assert(`${name}: it serves afterwards`, after['200'] === 3, JSON.stringify(after));
      const peak = await gateway.memory('VmHWM');
      assert(`${name}: memory under ${mib(MOST_FOR_CROWD)}`, peak < MOST_FOR_CROWD, `at most ${mib(peak)}`);
    }
    const counted = limit.report();
    if (counted) {
      const { kills, peakBytes } = counted;
      assert(`${name}: no OOM kill`, kills === 0, `${kills}; ${limit.kind} had at most ${mib(peakBytes)}`);
    } else {
      console.log(`${name}: limited by ${limit.kind ?? 'nothing, this machine allows none: only measured'}`);
    }
    assert(`${name}: no word on stderr`, gateway.stderr === '', gateway.stderr.slice(0, 500) || 'none');
    await gateway.kill();
  } finally {
    service.close();
    limit.remove();
  }
}

limitTime(180_000);
const root = await mkdtemp(join(tmpdir(), 'gateway-transfer-'));
await carryLargeBodies(root);
await standACrowd(root, `${CONNECTIONS} connections`, {});
await standACrowd(root, `${CONNECTIONS} at the service`, { UPSTREAM_MAX_CONNECTIONS: String(CONNECTIONS) });
if (failed === 0) await rm(root, { recursive: true });
else console.log(`Logs are in ${root}`);
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
