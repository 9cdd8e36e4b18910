/** Faults of expectations, event streams, expiry and overload; see `MUTANTS`. */
export const MORE_MUTANTS = {
  'sends no 100 Continue': {
    file: 'libs/proxy/src/http/exchange.ts',
    from: '    this.response.writeContinue();',
    to: '',
    scenario: 'expectations',
    guarantees: ['G9', 'G1'],
  },
  'keeps the connection of a client that still has its body': {
    file: 'libs/proxy/src/http/exchange.ts',
    from: '    this.response.shouldKeepAlive = false;\n  }\n\n  /** Tells',
    // Node ends it too, unless it believes that it has sent the 100.
    to: '    (this.response as unknown as { _sent100: boolean })._sent100 = true;\n  }\n\n  /** Tells',
    scenario: 'expectations',
    guarantees: ['G1'],
  },
  'sends 100 Continue twice': {
    file: 'libs/proxy/src/http/exchange.ts',
    from: '    this.waitsForContinue = false;',
    to: '    this.waitsForContinue = this.response.headersSent;\n    this.response.writeContinue();',
    scenario: 'expectations',
    guarantees: ['G1'],
  },
  'ends an event stream within an event': {
    file: 'libs/proxy/src/forward/forward.ts',
    from: 'else if (this.clientResponse.endBehindEvent(exception)) this.finishEarly(exception);',
    to: 'else this.finishEarly(exception);',
    scenario: 'expiry',
    guarantees: ['G4'],
  },
  'leaves event streams open when the token expires': {
    file: 'apps/gateway/src/lifecycle/session-responses.ts',
    from: 'this.authenticator.isExpired(principal) && endsAtExpiry(exchange)',
    to: 'this.authenticator.isExpired(principal) && !endsAtExpiry(exchange)',
    scenario: 'expiry',
    guarantees: ['G5'],
  },
  'ends event streams before the token expires': {
    file: 'apps/gateway/src/lifecycle/session-responses.ts',
    from: 'this.authenticator.isExpired(principal) && endsAtExpiry(exchange)',
    to: '(this.authenticator.isExpired(principal) || now - exchange.startedAt > 5_000) && endsAtExpiry(exchange)',
    scenario: 'streams',
    guarantees: ['G1'],
  },
  'leaves WebSockets open when the token expires': {
    file: 'apps/gateway/src/websocket/relay/relay.ts',
    from: 'this.route.closesAtExpiry && this.session.isExpired ?',
    to: 'this.route.closesAtExpiry && this.session.isExpired && this.isEnded ?',
    scenario: 'expiry',
    guarantees: ['G5'],
  },
  'gives event streams the timeout of other bodies': {
    file: 'libs/proxy/src/forward/forward-timeouts.ts',
    from: 'this.forward.isEventStream ? eventStreamIdleTimeoutMs : streamIdleTimeoutMs',
    to: 'this.forward.isEventStream ? streamIdleTimeoutMs : eventStreamIdleTimeoutMs / 2',
    scenario: 'streams',
    guarantees: ['G1', 'G7'],
  },
  'keeps the head of a response until its body': {
    file: 'libs/proxy/src/forward/client-response.ts',
    from: '    if (unflushed.push(this) === 1) setImmediate(flushHeads);',
    to: '',
    scenario: 'streams',
    guarantees: ['G9'],
  },
  'keeps an event until the next': {
    file: 'libs/proxy/src/forward/client-response.ts',
    from: '    if (bytes.length < LARGE_READ_BYTES) return response.write(Buffer.from(bytes)) || this.hasRoom;',
    to: `    if (response.writableCorked) response.uncork();
    if (this.events) response.cork();
    if (bytes.length < LARGE_READ_BYTES) return response.write(Buffer.from(bytes)) || this.hasRoom;`,
    scenario: 'streams',
    guarantees: ['G9'],
  },
  'keeps an event stream until its end': {
    file: 'libs/proxy/src/forward/client-response.ts',
    from: '    if (bytes.length < LARGE_READ_BYTES) return response.write(Buffer.from(bytes)) || this.hasRoom;',
    to: `    const all = this as unknown as { kept?: Buffer };
    if (this.events) {
      all.kept = Buffer.concat([all.kept ?? EMPTY, bytes]);
      return true;
    }
    if (bytes.length < LARGE_READ_BYTES) return response.write(Buffer.from(bytes)) || this.hasRoom;`,
    and: [
      {
        from: '    if (response.writableEnded) return;\n    if (trailers',
        to: `    if (response.writableEnded) return;
    response.write((this as unknown as { kept?: Buffer }).kept ?? EMPTY);
    if (trailers`,
      },
    ],
    scenario: 'streams',
    guarantees: ['G9'],
  },
  'takes a known token past its expiry': {
    file: 'libs/auth/src/access-token.verifier.ts',
    from: 'if (!this.isExpired(known)) return known;',
    to: 'if (known.expiresAt > 0) return known;',
    scenario: 'expiry',
    guarantees: ['G5'],
  },
  'sheds no load': {
    file: 'apps/gateway/src/gates/overload.gate.ts',
    from: 'if (resource === undefined) return;',
    to: 'if (resource !== "memory") return;',
    scenario: 'overload',
    guarantees: ['G8'],
  },
  'sheds load one request late': {
    file: 'apps/gateway/src/overload/load-monitor.ts',
    from: 'if (this.open.size <= this.config.overload.inFlight) return undefined;',
    to: 'if (this.open.size <= this.config.overload.inFlight + 1) return undefined;',
    scenario: 'overload',
    guarantees: ['G8'],
  },
};
