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
  'drops a duplicate header': {
    file: 'libs/proxy/src/headers/request-headers.ts',
    from: `    headers.push(name, value);\n  }\n  headers.push('X-Request-ID'`,
    to: `    if (!headers.some((each) => each.toLowerCase() === name.toLowerCase())) headers.push(name, value);\n  }\n  headers.push('X-Request-ID'`,
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
    from: 'isAnswering(this.path, this.options.timeoutMs)',
    to: 'isAnswering(this.path, 10 * this.options.timeoutMs)',
    scenario: 'service',
    guarantees: ['G9'],
  },
};
