const FORWARD = 'libs/proxy/src/forward/forward.ts';

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
    file: FORWARD,
    from: 'SAFE_METHODS.has(this.request.method!)',
    to: 'true',
    scenario: 'service',
    guarantees: ['G2'],
  },
  'ends a response that broke as if it were whole': {
    file: FORWARD,
    from: 'if (isFramed) this.response.destroy();',
    to: 'if (isFramed) this.response.end();',
    scenario: 'service',
    guarantees: ['G1'],
  },
  'ends a response without framing that broke by a clean end': {
    file: FORWARD,
    from: 'else this.response.socket?.resetAndDestroy();',
    to: 'else this.response.socket?.end();',
    scenario: 'service',
    guarantees: ['G1'],
  },
  'keeps the request at the service when its client has gone': {
    file: FORWARD,
    from: 'else this.fail(new ClientGoneException(this.stage));',
    to: 'else this.settled = true;',
    scenario: 'clients',
    guarantees: ['G10'],
  },
  'waits for response headers without a timeout': {
    file: FORWARD,
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
    from: 'if (chunk) return Promise.resolve({ done: false, value: chunk });',
    to: 'if (chunk && this.paused) return this.next();\n    if (chunk) return Promise.resolve({ done: false, value: chunk });',
    scenario: 'large',
    guarantees: ['G4', 'G9', 'G1'],
  },
  'resets the connection in place of an error': {
    file: FORWARD,
    from: '    this.showAttempts();\n    this.refuse(exception);',
    to: '    this.response.socket?.resetAndDestroy();',
    scenario: 'service',
    guarantees: ['G1'],
  },
  'responds with an error in place of a response': {
    file: FORWARD,
    from: '    if (this.settled) return;\n    const { exchange, request } = this;',
    to: `    if (this.settled) return;
    if (this.request.url!.length % 3 === 0) {
      this.fail(invalidResponse(this.options.service, 'x'));
      return;
    }
    const { exchange, request } = this;`,
    scenario: 'traffic',
    guarantees: ['G1'],
  },
  'repeats a request with a key whose route has not opted in': {
    file: FORWARD,
    from: 'options.repeatsKeyed && isSmallAndKeyed(this.request)',
    to: 'isSmallAndKeyed(this.request)',
    scenario: 'service',
    guarantees: ['G2'],
  },
  'retries every lost connection for nothing': {
    file: FORWARD,
    from: `this.stage === 'response_headers' && this.isFirstOfReused && isConnectionLost(cause)`,
    to: 'isConnectionLost(cause)',
    scenario: 'outage',
    guarantees: ['G11'],
  },
  'reads a response on when its client does not': {
    file: FORWARD,
    from: '      controller.pause();\n',
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
    file: FORWARD,
    from: '} else if (now - this.progressAt > this.idleLimitMs) {',
    to: '} else if (now - this.progressAt > 100 * this.idleLimitMs) {',
    scenario: 'service',
    guarantees: ['G9'],
  },
  'waits for a body twice as long as its timeout': {
    file: FORWARD,
    from: '} else if (now - this.progressAt > this.idleLimitMs) {',
    to: '} else if (now - this.progressAt > 2 * this.idleLimitMs) {',
    scenario: 'service',
    guarantees: ['G9'],
  },
};
