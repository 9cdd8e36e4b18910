// Parses mutated responses with the gateway's parser and with Node's. What the gateway accepts, Node must accept with the same
// meaning: another meaning is how responses are smuggled. `npm run fuzz:parser -- --count 1000000 --seed 7`
import { parseArgs } from 'node:util';
import { importTypeScript } from '../../../scripts/jest/modules.mjs';
import { Random } from '../random.mjs';
import { parseByNode } from './node-parser.mjs';
import { mutate } from './mutations.mjs';
import { VALID } from './responses.mjs';

const CACHE = new URL('../../../node_modules/.cache/fuzz-parser', import.meta.url).pathname;

/** Largest head, of both parsers. */
const LIMIT_BYTES = 4_096;

/** Most differences that are printed. */
const MOST_FINDINGS = 5;

const { values } = parseArgs({
  options: { count: { type: 'string', default: '100000' }, seed: { type: 'string', default: '1' } },
});

importTypeScript(CACHE);
const { ResponseParser } = await import('../../../libs/proxy/src/transport/response-parser.ts');

/** What the gateway's parser makes of the bytes, in reads of these sizes: undefined if it accepts no whole response. */
function parseByGateway(bytes, isHead, sizes) {
  const found = { interim: [], isClosing: false, body: '', trailers: undefined };
  const parser = new ResponseParser(LIMIT_BYTES);
  const listener = {
    onInterim: ({ status, isPersistent }) => {
      found.interim.push(status);
      found.isClosing ||= !isPersistent;
    },
    onHead: (head) => Object.assign(found, { head }),
    onBody: (view) => (found.body += view.toString('latin1')),
    onEnd: (trailers) => (found.trailers = trailers),
  };
  parser.expect(listener, isHead);
  const memory = Buffer.alloc(bytes.length + 8);
  try {
    for (let at = 0, turn = 0; at < bytes.length; turn++) {
      const length = Math.min(sizes[turn % sizes.length], bytes.length - at);
      // Behind the read there are bytes of an earlier one.
      memory.fill('\r\n\r\n0');
      bytes.copy(memory, 0, at, at + length);
      parser.read(memory, length);
      at += length;
    }
    parser.end();
  } catch (error) {
    if (error.code !== 'ERR_INVALID_RESPONSE') throw error;
    // What was passed on before is cut off, and so never taken for whole.
    if (found.trailers === undefined) return undefined;
  }
  if (found.trailers === undefined) return undefined;
  const { status, phrase, headers } = found.head;
  // Only Node ends the connection with a response before the response that says so.
  if (found.isClosing) return undefined;
  return { interim: found.interim, status, phrase, headers, body: found.body, trailers: [...found.trailers] };
}

const random = new Random(values.seed);
const count = Number(values.count);
const figures = { accepted: 0, refused: 0 };
const findings = [];

for (let number = 1; number <= count && findings.length < MOST_FINDINGS; number++) {
  const response = random.pick(VALID);
  const bytes = mutate(random, response.bytes, number % 50 === 0 ? 0 : random.int(1, 4));
  const sizes = random.chance(0.5) ? [bytes.length || 1] : Array.from({ length: 3 }, () => random.int(1, 40));
  const own = parseByGateway(bytes, response.isHead, sizes);
  const other = parseByNode(bytes, response.isHead, LIMIT_BYTES);
  if (!own) {
    figures.refused++;
    if (number % 50 === 0) findings.push({ bytes, own, other, why: 'a valid response is refused' });
    continue;
  }
  figures.accepted++;
  if (JSON.stringify(own) !== JSON.stringify(other))
    findings.push({ bytes, own, other, why: 'another meaning' });
}

for (const { bytes, own, other, why } of findings) {
  console.log(`FAILED: ${why}\n  ${JSON.stringify(bytes.toString('latin1'))}`);
  console.log(`  gateway: ${JSON.stringify(own)}\n  Node:    ${JSON.stringify(other)}`);
}
console.log(
  `seed ${values.seed}: ${count} responses, ${figures.accepted} accepted, ${figures.refused} refused`,
);
if (figures.accepted < count / 20) findings.push('too few responses are accepted to compare anything');
// One test in the sum of all runners, however many responses.
console.log(`${findings.length === 0 ? 1 : 0} passed, ${findings.length} failed`);
process.exitCode = findings.length > 0 ? 1 : 0;
