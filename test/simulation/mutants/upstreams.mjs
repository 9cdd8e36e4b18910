const CONNECTION = 'libs/proxy/src/transport/upstream-connection.ts';

/** Faults of attempts, headers and connections to instances. */
export const UPSTREAM_MUTANTS = {
  'keeps a permit of an instance': {
    file: 'libs/proxy/src/attempts/attempts.ts',
    from: 'if (this.isActive) this.instance.activeRequests--;',
    to: 'if (this.isActive && this.count === 1) this.instance.activeRequests--;',
    scenario: 'service',
    guarantees: ['G10'],
  },
  'retries without a budget': {
    file: 'libs/proxy/src/attempts/retry-budget.ts',
    from: 'if (this.retries.total(now) + 1 > most) {',
    to: 'if (most < 0) {',
    scenario: 'outage',
    guarantees: ['G11'],
  },
  'lets two reads share their memory': {
    file: 'libs/proxy/src/forward/pooled-copy.ts',
    from: 'const copy = unused.pop() ?? new PooledCopy();',
    to: 'const copy = (unused[0] ??= new PooledCopy());',
    scenario: 'large',
    guarantees: ['G3', 'G4'],
  },
  'uses a connection again that showed bytes behind a response': {
    file: CONNECTION,
    from: ' && !this.parser.hasExcess && !this.error;',
    to: ' && !this.error;',
    and: [
      {
        from: 'if (this.isFinished || this.parser.hasExcess) this.finish();',
        to: 'if (this.isFinished) this.finish();',
      },
    ],
    scenario: 'service',
    guarantees: ['G1', 'G3'],
  },
  'uses a connection again whose upload is not complete': {
    file: CONNECTION,
    from: 'this.writer.isSent && !this.mustClose',
    to: '!this.mustClose',
    scenario: 'clients',
    guarantees: ['G1', 'G3', 'G4', 'G9'],
  },
  'takes a body for whole that a reset has cut': {
    file: CONNECTION,
    from: `.on('error', (error) => this.close((this.error ??= error)))`,
    to: `.on('error', () => this.onSocketEnd())`,
    scenario: 'service',
    guarantees: ['G1'],
  },

  'loses the chunk that ends in the next read': {
    file: 'libs/proxy/src/transport/chunked-decoder.ts',
    from: '    else bytes.copyWithin(this.end, position, position + length);',
    to: '    else if (length === this.left) bytes.copyWithin(this.end, position, position + length);',
    scenario: 'traffic',
    guarantees: ['G4'],
  },
  'forgets a call that waits for a connection': {
    file: 'libs/proxy/src/transport/connection-pool.ts',
    from: 'if (this.waiting.size > 0) {',
    to: 'if (this.waiting.size > 1) {',
    scenario: 'traffic',
    guarantees: ['G1', 'G9'],
  },

  'drops a duplicate header': {
    file: 'libs/proxy/src/headers/request-headers.ts',
    from: `    headers.push(name, value);\n  }\n  addOwn(headers`,
    to: `    if (!headers.some((each) => each.toLowerCase() === name.toLowerCase())) headers.push(name, value);\n  }\n  addOwn(headers`,
    scenario: 'traffic',
    guarantees: ['G4'],
  },
  'dials without a timeout': {
    file: 'libs/proxy/src/transport/dial.ts',
    from: 'setImmediate(giveUp), timeoutMs)',
    to: 'setImmediate(giveUp), 60 * timeoutMs)',
    scenario: 'network',
    guarantees: ['G9'],
  },
  'waits for a health check as long as for a request': {
    file: 'libs/proxy/src/balancing/health-checks.ts',
    from: 'run(this.options.timeoutMs)',
    to: 'run(10 * this.options.timeoutMs)',
    scenario: 'service',
    guarantees: ['G9'],
  },
};
