const FORWARD = 'libs/proxy/src/forward/forward.ts';
const CLIENT_RESPONSE = 'libs/proxy/src/forward/client-response.ts';
const OUTGOING = 'libs/proxy/src/forward/outgoing-request.ts';
const TIMEOUTS = 'libs/proxy/src/forward/forward-timeouts.ts';

/** Faults of an exchange on its way to a service and back. */
export const FORWARD_MUTANTS = {
  'retries a request whose bytes were written': {
    file: FORWARD,
    from: `(this.stage === 'connect' || this.isRepeatable)`,
    to: 'true',
    scenario: 'service',
    guarantees: ['G2'],
  },
  'takes every method for safe': {
    file: OUTGOING,
    from: 'SAFE_METHODS.has(request.method!)',
    to: 'true',
    scenario: 'service',
    guarantees: ['G2'],
  },
  'ends a response that broke as if it were whole': {
    file: CLIENT_RESPONSE,
    from: 'if (isFramed) this.response.destroy();',
    to: 'if (isFramed) this.response.end();',
    scenario: 'service',
    guarantees: ['G1'],
  },
  'ends a response without framing that broke by a clean end': {
    file: CLIENT_RESPONSE,
    from: 'else this.response.socket?.resetAndDestroy();',
    to: 'else this.response.socket?.end();',
    scenario: 'service',
    guarantees: ['G1'],
  },
  'keeps the request at the service when its client has gone': {
    file: FORWARD,
    from: 'else this.fail(new ClientGoneException(this.stage));',
    to: 'else this.isSettled = true;',
    scenario: 'clients',
    guarantees: ['G10'],
  },
  'waits for response headers without a timeout': {
    file: TIMEOUTS,
    from: 'if (now - since > requestTimeoutMs) {',
    to: 'if (now - since > 100 * requestTimeoutMs) {',
    and: [
      {
        from: 'if (waitedMs > responseHeadersTimeoutMs) {',
        to: 'if (waitedMs > 100 * responseHeadersTimeoutMs) {',
      },
    ],
    scenario: 'service',
    guarantees: ['G9'],
  },
  'drops a chunk of an upload when the service is slow': {
    file: 'libs/proxy/src/forward/request-body.ts',
    from: 'this.isBlocked = !this.sink.writeBody(chunk);',
    to: 'this.isBlocked = !this.sink.writeBody(chunk);\n      if (this.isBlocked) this.waiting.shift();',
    scenario: 'large',
    guarantees: ['G4', 'G9', 'G1'],
  },
  'resets the connection in place of an error': {
    file: FORWARD,
    from: '    this.refuse(exception);',
    to: '    this.response.socket?.resetAndDestroy();',
    scenario: 'service',
    guarantees: ['G1'],
  },
  'responds with an error in place of a response': {
    file: FORWARD,
    from: '    if (this.isSettled) return;\n    if (this.buffering)',
    to: `    if (this.isSettled) return;
    if (this.request.url!.length % 3 === 0) {
      this.fail(exceptionFor(new Error('x'), this.options.service, 'response_headers'));
      return;
    }
    if (this.buffering)`,
    scenario: 'traffic',
    guarantees: ['G1'],
  },
  'repeats a request with a key whose route has not opted in': {
    file: OUTGOING,
    from: 'return repeatsKeyed && key',
    to: 'return key',
    scenario: 'service',
    guarantees: ['G2'],
  },
  'retries every lost connection for nothing': {
    file: FORWARD,
    from: `this.stage === 'response_headers' && this.isFirstOfReused && isConnectionLost(error)`,
    to: 'isConnectionLost(error)',
    scenario: 'outage',
    guarantees: ['G11'],
  },
  'reads a response on when its client does not': {
    file: FORWARD,
    from: '      this.attempt!.pause();\n',
    to: '',
    scenario: 'slow',
    guarantees: ['G8'],
  },
  'reads an upload on when its service does not': {
    file: 'libs/proxy/src/forward/request-body.ts',
    from: '      this.request.pause();\n      this.endBuffering();',
    to: '      this.endBuffering();',
    scenario: 'slow',
    guarantees: ['G8'],
  },
  'waits for a body without a timeout': {
    file: TIMEOUTS,
    from: '} else if (now - this.progressAt > this.idleLimitMs) {',
    to: '} else if (now - this.progressAt > 100 * this.idleLimitMs) {',
    scenario: 'service',
    guarantees: ['G9'],
  },
  'waits for a body twice as long as its timeout': {
    file: TIMEOUTS,
    from: '} else if (now - this.progressAt > this.idleLimitMs) {',
    to: '} else if (now - this.progressAt > 2 * this.idleLimitMs) {',
    scenario: 'service',
    guarantees: ['G9'],
  },
};
