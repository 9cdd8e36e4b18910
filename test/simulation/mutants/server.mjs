const DRAIN = 'libs/gateway/src/lifecycle/drain.service.ts';

/** Faults of the drain, of load shedding and of the server around them. */
export const SERVER_MUTANTS = {
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
  'breaks responses in progress when the drain begins': {
    file: DRAIN,
    from: 'if (connection.isWebSocket || isScraper(connection)) continue;',
    to: `if (connection.isWebSocket || isScraper(connection)) continue;
        if (pendingResponseOf(connection.socket)?.headersSent) connection.socket.destroy();`,
    scenario: 'drain',
    // A response that only the end of the connection frames looks whole.
    guarantees: ['G7', 'G1'],
  },
  'ends responses without framing cleanly at the deadline': {
    file: DRAIN,
    from: 'if (pendingResponseOf(socket)) socket.resetAndDestroy();',
    to: 'if (pendingResponseOf(socket)) socket.destroy();',
    scenario: 'drain',
    guarantees: ['G1'],
  },
  'keeps idle connections of clients': {
    file: 'libs/gateway/src/http/gateway-http.adapter.ts',
    from: 'keepAliveTimeout: this.config.keepAliveMs,',
    to: 'keepAliveTimeout: 10 * this.config.keepAliveMs,',
    scenario: 'traffic',
    guarantees: ['G9'],
  },
  'sheds no load': {
    file: 'libs/gateway/src/gates/overload.gate.ts',
    from: 'if (resource === undefined) return;',
    to: 'if (resource !== "memory") return;',
    scenario: 'overload',
    guarantees: ['G8'],
  },
  'sheds load one request late': {
    file: 'libs/gateway/src/overload/load-monitor.ts',
    from: 'if (this.open.size <= this.config.overload.inFlight) return undefined;',
    to: 'if (this.open.size <= this.config.overload.inFlight + 1) return undefined;',
    scenario: 'overload',
    guarantees: ['G8'],
  },
};
