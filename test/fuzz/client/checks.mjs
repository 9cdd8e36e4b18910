const SERVED_BY_GATEWAY = new Set([200, 204, 404, 405]);
/** Largest body that routes without a token take. */
const OPEN_BODY_BYTES = 64 * 1024;

/** What is wrong with what a client got. @param seen how a service answered the request with an id */
export function faultsOf(client, { ids, owner, seen }) {
  const { plan, received } = client;
  const faults = ids.foreignIn(received.bytes, owner).map((other) => `got bytes of client ${other}`);
  const isReadable = !plan.isMutated || received.isSwitched;
  if (isReadable && received.fault) faults.push(`got what no client can read: ${received.fault}`);
  if (isFaithful(plan)) {
    faults.push(...(plan.kind === 'http' ? faultsOfResponses(client, seen) : faultsOfSocket(client, seen)));
  }
  return faults;
}

/** Whether a client did nothing wrong, and waited for whatever it was to get. */
function isFaithful({ isMutated, ending }) {
  return !isMutated && ending.way === 'polite';
}

function isStrict({ service }) {
  return service === 'auth' || service === 'gateway';
}

/** Every response is that of its request, in order, and none is missing whose service did nothing wrong. */
function faultsOfResponses({ plan, received, end }, seen) {
  const { responses } = received;
  const faults = [];
  for (const [index, request] of plan.requests.entries()) {
    const response = responses[index];
    if (response === undefined) {
      if (isStrict(request) && !isBrokenOff(plan, end) && !isClosedBefore(responses[index - 1])) {
        faults.push(`got no response to ${request.method} ${request.path}, number ${index}; ended by ${end}`);
      }
      break;
    }
    const id = response.get('x-request-id');
    if (id !== request.id)
      faults.push(`got ${id} as the response to ${request.id}, status ${response.status}`);
    const wrong = isStrict(request) ? strictFault(request, response) : wholeFault(response, seen(request.id));
    if (wrong) faults.push(`${request.method} ${request.path}: ${wrong}`);
  }
  if (responses.length > plan.requests.length)
    faults.push(`got ${responses.length} responses to ${plan.requests.length}`);
  return faults;
}

/** A response that a service broke costs the client its connection, by a reset those before it too if they were unread. */
function isBrokenOff({ requests }, end) {
  return end !== 'end' && requests.some((request) => !isStrict(request));
}

/** After a response that says so, such as that to a body which is too large, nothing more comes. */
function isClosedBefore(response) {
  return response?.get('connection') === 'close' && response.status !== 200;
}

function strictFault({ service, method, path, id, bodyLength }, { status, body, text }) {
  if (service === 'gateway') return SERVED_BY_GATEWAY.has(status) ? undefined : `status ${status}`;
  if (path === '/v1/auth/login' && bodyLength > OPEN_BODY_BYTES && status === 413) return undefined;
  if (status !== 200)
    return `status ${status}: ${text.split('\r\n').slice(0, 8).join(' | ')} ${body.toString('latin1', 0, 200)}`;
  if (method === 'HEAD') return undefined;
  return body.includes(id) && body.at(-1) === '}'.charCodeAt(0)
    ? undefined
    : 'not the body that the service sent';
}

/** Kinds of answers whose whole body the gateway knows: cut by a service, it must be cut for the client too. */
const WHOLE = new Set(['valid', 'early', 'extra', 'informational', 'cut']);

/** A response that came from a service is the service's own, and whole. */
function wholeFault(response, answer) {
  if (answer?.count !== 1 || response.get('x-fuzz-id') === undefined) return undefined;
  const { kind, framing, body } = answer.plan;
  if (!WHOLE.has(kind) || (kind === 'cut' && framing === 'end')) return undefined;
  const length = body?.length ?? 0;
  return response.body.length === length ? undefined : `${response.body.length} bytes of a body of ${length}`;
}

/**
 * A socket that opened ends with a close frame; one whose service only echoes has had all its messages. Messages to a
 * service that went away and was joined again may be lost.
 */
function faultsOfSocket(client, seen) {
  const { plan, end } = client;
  const { isSwitched, responses, messages, closeFrame } = client.received;
  const answer = seen(plan.requests[0].id);
  const isEcho = answer?.count === 1 && answer.plan.kind === 'accepted' && answer.plan.socket.kind === 'echo';
  if (!isSwitched) {
    const status = responses[0]?.status;
    // One that did not wait with its frames (RFC 6455, section 4.1) may lose a refusal to a reset.
    if (status === undefined && plan.isEager && end !== 'end') return [];
    if (status === undefined) return [`got no response to its handshake; ended by ${end}`];
    return isEcho ? [`got ${status} from a service that accepted its handshake`] : [];
  }
  const faults = [];
  if (closeFrame === undefined) faults.push(`got no close frame; ended by ${end}`);
  if (isEcho) {
    const got = messages.map(({ payload }) => /"number":(\d+)/.exec(payload.toString('latin1', 0, 200))?.[1]);
    const numbers = got.filter((number) => number !== undefined).map(Number);
    if (numbers.join() !== plan.numbers.join())
      faults.push(`sent ${plan.numbers.join()}, got ${numbers.join()}`);
  }
  return faults;
}
