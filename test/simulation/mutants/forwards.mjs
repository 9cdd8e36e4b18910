const FORWARD = 'libs/proxy/src/forward/forward.ts';
const LOOP = 'libs/proxy/src/forward/attempt-loop.ts';
const DELIVERY = 'libs/proxy/src/forward/response-delivery.ts';
const CLIENT_RESPONSE = 'libs/proxy/src/forward/client-response.ts';
const RETRYABLE = 'libs/proxy/src/forward/retryable-request.ts';
const EXCHANGE = 'libs/proxy/src/http/exchange.ts';
const TIMEOUTS = 'libs/proxy/src/forward/forward-timeouts.ts';

/** Faults of an exchange on its way to a service and back: uploads that wait for `100 Continue` and event streams too. */
export const FORWARD_MUTANTS = {
  'retries a request whose bytes were written': {
    file: LOOP,
    from: `this.stage === 'connect' || this.isRetryable`,
    to: 'true',
    scenario: 'service',
    guarantees: ['G2'],
  },
  'takes every method for safe': {
    file: RETRYABLE,
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
    from: 'else this.fail(new ClientGoneException(this.loop.stage));',
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
    file: 'libs/proxy/src/forward/body-delivery.ts',
    from: 'this.isFull = !this.sink.writeBody(chunk);',
    to: 'this.isFull = !this.sink.writeBody(chunk);\n      if (this.isFull) this.waiting.shift();',
    scenario: 'large',
    guarantees: ['G4', 'G9', 'G1'],
  },
  'resets the connection in place of an error': {
    file: FORWARD,
    from: '    this.refuse(exception);',
    to: '    this.exchange.response.socket?.resetAndDestroy();',
    scenario: 'service',
    guarantees: ['G1'],
  },
  'responds with an error in place of a response': {
    file: LOOP,
    from: `  start(body: UpstreamRequest['body']): void {\n`,
    to: `  start(body: UpstreamRequest['body']): void {
    if (this.target.length % 3 === 0) {
      this.forward.fail(exceptionFor(new Error('x'), this.forward.options.upstream, 'response_headers'));
      return;
    }
`,
    scenario: 'traffic',
    guarantees: ['G1'],
  },
  'retries a request with a key whose route has not opted in': {
    file: RETRYABLE,
    from: 'return retriesKeyed && key',
    to: 'return key',
    scenario: 'service',
    guarantees: ['G2'],
  },
  'retries every lost connection for nothing': {
    file: 'libs/proxy/src/forward/stale-connection.ts',
    from: `stage === 'response_headers' && reusedConnection && isConnectionLost(error)`,
    to: 'isConnectionLost(error)',
    scenario: 'outage',
    guarantees: ['G11'],
  },
  'reads a response on when its client does not': {
    file: 'libs/proxy/src/forward/client-back-pressure.ts',
    from: '    attempt.pause();\n',
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
  'sends no 100 Continue': {
    file: EXCHANGE,
    from: '    this.response.writeContinue();',
    to: '',
    scenario: 'expectations',
    guarantees: ['G9', 'G1'],
  },
  'keeps the connection of a client that still has its body': {
    file: EXCHANGE,
    from: '    this.response.shouldKeepAlive = false;\n  }\n\n  /** Tells',
    // Node ends it too, unless it believes that it has sent the 100.
    to: '    (this.response as unknown as { _sent100: boolean })._sent100 = true;\n  }\n\n  /** Tells',
    scenario: 'expectations',
    guarantees: ['G1'],
  },
  'sends 100 Continue twice': {
    file: EXCHANGE,
    from: '    this.waitsForContinue = false;',
    to: '    this.waitsForContinue = this.response.headersSent;\n    this.response.writeContinue();',
    scenario: 'expectations',
    guarantees: ['G1'],
  },
  'ends an event stream within an event': {
    file: DELIVERY,
    from: 'else if (events.endBehindEvent(exception, retryMs)) this.finishEarly(exception);',
    to: 'else this.finishEarly(exception);',
    scenario: 'expiry',
    guarantees: ['G4'],
  },
  'sends a heartbeat within an event': {
    file: 'libs/proxy/src/forward/heartbeat.ts',
    from: ' && events.isBetweenEvents;',
    to: ';',
    scenario: 'streams',
    guarantees: ['G4'],
  },
  'gives event streams the timeout of other bodies': {
    file: TIMEOUTS,
    from: 'this.forward.isStream ? eventStreamIdleTimeoutMs : streamIdleTimeoutMs',
    to: 'this.forward.isStream ? streamIdleTimeoutMs : eventStreamIdleTimeoutMs / 2',
    scenario: 'streams',
    guarantees: ['G1', 'G7'],
  },
  'keeps the head of a response until its body': {
    file: CLIENT_RESPONSE,
    from: '    if (unflushed.push(this) === 1) setImmediate(flushHeads);',
    to: '',
    scenario: 'streams',
    guarantees: ['G9'],
  },
  'keeps an event until the next': {
    file: CLIENT_RESPONSE,
    from: '    if (bytes.length < LARGE_READ_BYTES) return response.write(Buffer.from(bytes)) || this.hasRoom;',
    to: `    if (response.writableCorked) response.uncork();
    if (this.events) response.cork();
    if (bytes.length < LARGE_READ_BYTES) return response.write(Buffer.from(bytes)) || this.hasRoom;`,
    scenario: 'streams',
    guarantees: ['G9'],
  },
  'keeps an event stream until its end': {
    file: CLIENT_RESPONSE,
    from: '    if (bytes.length < LARGE_READ_BYTES) return response.write(Buffer.from(bytes)) || this.hasRoom;',
    to: `    const all = this as unknown as { kept?: Buffer };
    if (this.events) {
      all.kept = Buffer.concat([all.kept ?? EMPTY, bytes]);
      return true;
    }
    if (bytes.length < LARGE_READ_BYTES) return response.write(Buffer.from(bytes)) || this.hasRoom;`,
    and: [
      {
        from: '    if (response.writableEnded) return;\n    if (this.events?.stream.hasHalf)',
        to: `    if (response.writableEnded) return;
    response.write((this as unknown as { kept?: Buffer }).kept ?? EMPTY);
    if (this.events?.stream.hasHalf)`,
      },
    ],
    scenario: 'streams',
    guarantees: ['G9'],
  },
};
