import { MORE_MUTANTS } from './more-mutants.mjs';

const FORWARD = 'libs/proxy/src/forward/forward.ts';
const RELAY = 'apps/gateway/src/websocket/relay/relay.ts';
const RELAY_END = 'apps/gateway/src/websocket/relay/relay-end.ts';
const RELAYS = 'apps/gateway/src/websocket/relay/relays.ts';
const DRAIN = 'apps/gateway/src/lifecycle/drain.service.ts';

/**
 * Faults that the simulator must find: each changes one place of a source, breaks a guarantee, and is looked for in the
 * scenario that is most likely to show it.
 */
export const MUTANTS = {
  ...MORE_MUTANTS,
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
  'keeps a permit of an instance': {
    file: 'libs/proxy/src/attempts/attempts.ts',
    from: 'if (this.isActive) this.instance.activeRequests--;',
    to: 'if (this.isActive && this.count === 1) this.instance.activeRequests--;',
    scenario: 'service',
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
  'retries without a budget': {
    file: 'libs/proxy/src/attempts/retry-budget.ts',
    from: 'if (this.retries.total(now) + 1 > most) {',
    to: 'if (most < 0) {',
    scenario: 'outage',
    guarantees: ['G11'],
  },
  'lets two reads share their memory': {
    file: 'libs/proxy/src/transport/read-buffer.ts',
    from: 'const buffer = unused.pop() ?? new ReadBuffer();',
    to: 'const buffer = (unused[0] ??= new ReadBuffer());',
    scenario: 'large',
    guarantees: ['G3', 'G4'],
  },
  'uses a connection again that showed bytes behind a response': {
    file: 'libs/proxy/src/transport/response-bounds.ts',
    from: 'if (!isExact) this.onExcess();',
    to: '',
    and: [
      { from: `    if (state === 'behind') {\n      this.onExcess();\n      return EMPTY;\n    }\n`, to: '' },
      { from: 'if (this.hasServed && (bytes[0] === CR || bytes[0] === LF)) this.onExcess();', to: '' },
    ],
    scenario: 'service',
    guarantees: ['G1', 'G3'],
  },
  'drops a chunk of an upload when the service is slow': {
    file: 'libs/proxy/src/forward/request-body.ts',
    from: 'if (chunk) return Promise.resolve({ done: false, value: chunk });',
    to: 'if (chunk && this.paused) return this.next();\n    if (chunk) return Promise.resolve({ done: false, value: chunk });',
    scenario: 'large',
    guarantees: ['G4', 'G9', 'G1'],
  },
  'forgets to delete an exchange whose client has gone': {
    file: 'libs/gateway/src/http/open-exchanges.ts',
    from: 'this.exchanges.delete(exchange);',
    to: 'if (exchange.response.writableFinished) this.exchanges.delete(exchange);',
    scenario: 'clients',
    guarantees: ['G10'],
  },
  'leaves the timer of a discarded body': {
    file: 'libs/gateway/src/http/lingering-close.ts',
    from: `socket.once('close', stop);`,
    to: '',
    scenario: 'clients',
    guarantees: ['G10'],
  },
  'closes connections at once when the drain begins': {
    file: DRAIN,
    from: 'if (connection.isWebSocket || isScraper(connection)) continue;',
    to: 'if (connection.isWebSocket || isScraper(connection)) continue;\n        connection.socket.destroySoon();',
    scenario: 'drain',
    // A response that only the end of the connection frames looks whole.
    guarantees: ['G7', 'G1'],
  },
  'ends the drain before its deadline': {
    file: DRAIN,
    from: 'this.endsAt = performance.now() + timeoutMs);',
    to: 'this.endsAt = performance.now() + timeoutMs / 20);',
    scenario: 'drain',
    guarantees: ['G7'],
  },
  'drains without a deadline': {
    file: DRAIN,
    from: 'while (this.connectionsLeft > 0 && performance.now() < deadline) {',
    to: 'while (this.connectionsLeft > 0) {',
    scenario: 'drain',
    guarantees: ['G7', 'G9'],
  },
  'leaves WebSockets open in the drain': {
    file: RELAYS,
    from: 'if (this.relays.has(relay)) relay.close(CLOSE_REASON.RESTART);',
    to: '',
    scenario: 'drain',
    guarantees: ['G7', 'G12'],
  },
  'ends a WebSocket without a close frame when its service goes': {
    file: RELAY,
    from: `this.end(code, 'service');`,
    to: `this.end(code, 'service');\n      return this.clientEnd.terminate();`,
    scenario: 'sockets',
    guarantees: ['G12'],
  },
  'keeps buffered messages twice': {
    file: 'apps/gateway/src/websocket/relay/resumption.ts',
    from: '    this.messages = [];\n    this.bytes = 0;\n    return messages;',
    to: '    this.bytes = 0;\n    return [...messages];',
    scenario: 'sockets',
    guarantees: ['G12'],
  },
  'sends buffered messages in another order': {
    file: RELAY,
    from: 'of this.resumeBuffer.takeAll()) {',
    to: 'of this.resumeBuffer.takeAll().toReversed()) {',
    scenario: 'sockets',
    guarantees: ['G12'],
  },
  'takes a message for acknowledged before it was': {
    file: RELAY_END,
    from: 'return this.messagesSent - this.messagesAcknowledged;',
    to: 'return 0;',
    scenario: 'sockets',
    guarantees: ['G12'],
  },
  'keeps a relay that has ended': {
    file: RELAY,
    from: 'live.delete(this);',
    to: 'if (this.counts.resumptions === 0) live.delete(this);',
    scenario: 'sockets',
    guarantees: ['G10'],
  },
  'counts more than a limit': {
    file: 'apps/gateway/src/limits/rate-limiter.ts',
    from: 'return { passes: consumed <= limit, limit,',
    to: 'return { passes: consumed <= limit + 10, limit,',
    and: [
      {
        from: 'const passes = consumedPoints <= perMinute;',
        to: 'const passes = consumedPoints <= perMinute + 10;',
      },
    ],
    scenario: 'limits',
    guarantees: ['G6'],
  },
  'counts a request after it was admitted': {
    file: 'apps/gateway/src/limits/rate-limiter.ts',
    from: 'const points = 1 + this.local.remove(key);',
    to: 'const points = this.local.remove(key);',
    scenario: 'limits',
    guarantees: ['G6'],
  },
  'knows revoked tokens and no revoked sessions': {
    file: 'libs/auth/src/revocation.store.ts',
    from: 'if (isTokenRevoked === true || sessionId === undefined) return isTokenRevoked;',
    to: 'return isTokenRevoked;',
    scenario: 'revocation',
    guarantees: ['G5'],
  },
  'leaves the sockets of a revoked session open': {
    file: RELAYS,
    from: 'closeAll((kind ===',
    to: 'if (kind !== kind) closeAll((kind ===',
    scenario: 'revocation',
    guarantees: ['G5'],
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
  'drops a duplicate header': {
    file: 'libs/proxy/src/headers/request-headers.ts',
    from: `    headers.push(name, value);\n  }\n  headers.push('X-Request-ID'`,
    to: `    if (!headers.some((each) => each.toLowerCase() === name.toLowerCase())) headers.push(name, value);\n  }\n  headers.push('X-Request-ID'`,
    scenario: 'traffic',
    guarantees: ['G4'],
  },
  'breaks responses in progress when the drain begins': {
    file: DRAIN,
    from: 'if (connection.isWebSocket || isScraper(connection)) continue;',
    to: `if (connection.isWebSocket || isScraper(connection)) continue;
        if (pendingResponseOf(connection.socket)?.headersSent) connection.socket.destroy();`,
    scenario: 'drain',
    guarantees: ['G7', 'G1'],
  },
  'closes WebSockets in the drain with another code': {
    file: RELAYS,
    from: 'if (this.relays.has(relay)) relay.close(CLOSE_REASON.RESTART);',
    to: `if (this.relays.has(relay)) relay.close({ code: 1011, reason: 'x' });`,
    scenario: 'drain',
    guarantees: ['G7'],
  },
  'ends responses without framing cleanly at the deadline': {
    file: DRAIN,
    from: 'if (pendingResponseOf(socket)) socket.resetAndDestroy();',
    to: 'if (pendingResponseOf(socket)) socket.destroy();',
    scenario: 'drain',
    guarantees: ['G1'],
  },
  'keeps the permit of a WebSocket': {
    file: RELAY,
    from: 'this.route.connections.release(this.request.owner);',
    to: '',
    scenario: 'sockets',
    guarantees: ['G10'],
  },
  'finds an ended relay by its token': {
    file: RELAY,
    from: 'this.session.setPrincipal(undefined);',
    to: '',
    scenario: 'sockets',
    guarantees: ['G10'],
  },
  'retries every lost connection for nothing': {
    file: FORWARD,
    from: `this.stage === 'response_headers' && this.isFirstOfReused && isConnectionLost(cause)`,
    to: 'isConnectionLost(cause)',
    scenario: 'outage',
    guarantees: ['G11'],
  },
  'drops a message before it is counted': {
    file: RELAY,
    from: 'this.counts.messagesIn++;',
    to: 'if (data.length % 5 === 0) return;\n    this.counts.messagesIn++;',
    scenario: 'traffic',
    guarantees: ['G12'],
  },
  'drops a message of a service': {
    file: RELAY,
    from: 'this.counts.messagesOut++;',
    to: 'if (Math.random() < 0.1) return;\n    this.counts.messagesOut++;',
    scenario: 'traffic',
    guarantees: ['G12'],
  },
};
