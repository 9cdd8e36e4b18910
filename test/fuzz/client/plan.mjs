import { signToken } from '../../faults/token.mjs';
import { closePayload, frame, OPCODE } from '../traffic/frames.mjs';
import { mutateBytes, mutateMessage } from '../traffic/mutate.mjs';
import { createHandshake, createRequest } from '../traffic/requests.mjs';

const LONGEST_START_MS = 600;

/** A step of a plan: bytes to send, after a pause, once what it waits for is there. The last one completes them. */
const step = (bytes, delayMs, until, isLast) => ({ bytes, delayMs, until, isLast });

/** Everything that a client will do, drawn before it begins. @param idOf gives the id of the request with this number */
export function planClient(random, scenario, idOf) {
  const kind = random.weighted(scenario.clients);
  const token = tokenFor(random);
  const isMutated = random.chance(scenario.mutatedShare);
  const plan = {
    kind,
    token,
    isMutated,
    startMs: random.int(0, LONGEST_START_MS),
    ...(kind === 'http' ? planRequests : planSocket)(random, { scenario, token, idOf, isMutated }),
    ending: planEnding(random, scenario),
    readPauseMs: random.chance(0.1) ? random.int(50, 400) : 0,
  };
  if (plan.ending.way === 'hold' && random.chance(0.3)) plan.readPauseMs = Infinity;
  const isCut = plan.ending.way === 'cut' || (plan.ending.way === 'hold' && random.chance(0.5));
  return isCut ? cutPlan(random, plan) : plan;
}

/** One that is the same in each run, and valid in all of them. */
function tokenFor(random) {
  const user = random.uuid();
  const [iat, exp] = [1_700_000_000, 4_000_000_000];
  return signToken({ user_id: user, sub: user, jti: random.uuid(), iat, nbf: iat, exp });
}

function planRequests(random, { scenario, token, idOf, isMutated }) {
  const count = random.chance(0.4) ? 1 : random.int(1, scenario.requests);
  const isPipelined = random.chance(0.5);
  const requests = Array.from({ length: count }, (_, number) =>
    createRequest(random, { id: idOf(number), token, services: scenario.services, isOnly: count === 1 }),
  );
  if (isPipelined && !isMutated && random.chance(0.4))
    return { requests, steps: pieces(random, inOne(requests)) };
  const mutatedAt = isMutated ? random.int(0, count - 1) : -1;
  const steps = requests.flatMap((request, number) => {
    const isChanged = number === mutatedAt;
    const whole = Buffer.concat([request.head, request.content]);
    const wait = isPipelined || number === 0 ? undefined : { responses: number };
    if (isChanged) return pieces(random, mutateMessage(random, whole), wait);
    if (!request.expects) return pieces(random, whole, wait);
    return [
      ...pieces(random, request.head, wait),
      ...pieces(random, request.content, { goAhead: number + 1 }),
    ];
  });
  return { requests, steps };
}

/** All requests at once, so that the gateway must let them wait. */
function inOne(requests) {
  return Buffer.concat(requests.flatMap(({ head, content }) => [head, content]));
}

function planSocket(random, { token, idOf, isMutated }) {
  const request = createHandshake(random, { id: idOf(0), token });
  const isHandshakeMutated = isMutated && random.chance(0.4);
  const head = isHandshakeMutated ? mutateMessage(random, request.head) : request.head;
  const messages = Array.from({ length: random.int(0, 10) }, (_, number) =>
    messageOf(random, request.id, number),
  );
  const frames = messages.flatMap((message) => message.frames);
  const numbers = messages.flatMap(({ isData }, number) => (isData ? [number] : []));
  if (isMutated && !isHandshakeMutated && frames.length > 0) {
    const at = random.int(0, frames.length - 1);
    frames[at] = mutateBytes(random, frames[at]);
  }
  const isEager = random.chance(0.25);
  const steps = [
    ...pieces(random, head),
    ...frames.flatMap((bytes) => pieces(random, bytes, isEager ? undefined : { switched: true })),
  ];
  return { requests: [request], steps, numbers, isEager, close: closeFrame(random) };
}

/** The frames of a message with the client's id, or of a ping or pong. */
function messageOf(random, id, number) {
  const kind = random.weighted({ text: 5, binary: 2, fragments: 2, ping: 1, pong: 0.5, large: 0.3 });
  const mask = () => ({ mask: random.bytes(4) });
  if (kind === 'ping') return { frames: [frame(OPCODE.PING, Buffer.from(`ping ${number}`), mask())] };
  if (kind === 'pong') return { frames: [frame(OPCODE.PONG, Buffer.alloc(0), mask())] };
  const filler = 'm'.repeat(kind === 'large' ? random.int(60_000, 200_000) : random.int(0, 300));
  const payload = Buffer.from(JSON.stringify({ id, number, filler }));
  const opcode = kind === 'binary' ? OPCODE.BINARY : OPCODE.TEXT;
  if (kind !== 'fragments') return { isData: true, frames: [frame(opcode, payload, mask())] };
  const [one, two] = [random.int(0, payload.length), random.int(0, payload.length)].toSorted((a, b) => a - b);
  const frames = [
    frame(opcode, payload.subarray(0, one), { ...mask(), isFinal: false }),
    ...(random.chance(0.3) ? [frame(OPCODE.PING, Buffer.from('between'), mask())] : []),
    frame(OPCODE.CONTINUATION, payload.subarray(one, two), { ...mask(), isFinal: false }),
    frame(OPCODE.CONTINUATION, payload.subarray(two), mask()),
  ];
  return { isData: true, frames };
}

function closeFrame(random) {
  const payload = random.chance(0.8)
    ? closePayload(random.pick([1000, 1001, 3000, 4000]), random.chance(0.3) ? 'bye' : '')
    : Buffer.alloc(0);
  return frame(OPCODE.CLOSE, payload, { mask: random.bytes(4) });
}

function planEnding(random, scenario) {
  const way = random.weighted(scenario.endings);
  const by = random.pick(['fin', 'reset', 'destroy']);
  return { way, by, afterMs: Number(random.weighted({ 0: 3, 1: 1, 5: 1, 20: 1, 100: 1, 400: 0.5 })) };
}

/** The plan up to a random byte. */
function cutPlan(random, plan) {
  const total = plan.steps.reduce((sum, { bytes }) => sum + bytes.length, 0);
  let left = random.int(0, total);
  const steps = [];
  for (const each of plan.steps) {
    if (left === 0) break;
    const bytes = each.bytes.subarray(0, left);
    steps.push({ ...each, bytes });
    left -= bytes.length;
  }
  return { ...plan, steps };
}

/** The bytes in one piece or in several, with pauses between them. */
export function pieces(random, bytes, until) {
  const way = random.weighted({ whole: 6, few: 3, bytes: 0.5 });
  if (way === 'whole' || bytes.length < 2)
    return [step(bytes, random.chance(0.2) ? random.int(0, 30) : 0, until, true)];
  const most = way === 'few' ? 4 : 40;
  const cuts = Array.from({ length: random.int(1, most) }, () => random.int(1, bytes.length - 1));
  const points = [0, ...[...new Set(cuts)].toSorted((a, b) => a - b), bytes.length];
  return points.slice(1).map((end, index) => {
    const delayMs = random.int(0, way === 'few' ? 15 : 2);
    const isLast = end === bytes.length;
    return step(bytes.subarray(points[index], end), delayMs, index === 0 ? until : undefined, isLast);
  });
}
