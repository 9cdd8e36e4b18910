const REVOCATIONS = 'libs/auth/src/revocation.store.ts';
const REVOCATION_SOURCE = 'libs/auth/src/redis-revocation.source.ts';
const SESSION_RESPONSES = 'libs/gateway/src/lifecycle/session-responses.ts';

/** Faults of tokens, of revocation and of rate limits. */
export const ACCESS_MUTANTS = {
  'counts more than a limit': {
    file: 'libs/gateway/src/limits/rate-limiter.ts',
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
    file: 'libs/gateway/src/limits/rate-limiter.ts',
    from: 'const points = 1 + this.local.remove(key);',
    to: 'const points = this.local.remove(key);',
    scenario: 'limits',
    guarantees: ['G6'],
  },
  'knows revoked tokens and no revoked sessions': {
    file: REVOCATIONS,
    from: 'if (isTokenRevoked === true || sessionId === undefined) return isTokenRevoked;',
    to: 'return isTokenRevoked;',
    scenario: 'revocation',
    guarantees: ['G5'],
  },
  'ignores notifications of revoked tokens': {
    file: REVOCATION_SOURCE,
    from: 'if (exists) watcher.revoked(',
    to: `if (exists && kind === 'session') watcher.revoked(`,
    scenario: 'revocation',
    guarantees: ['G5'],
  },
  'knows a revocation a second after its notification': {
    file: REVOCATION_SOURCE,
    from: 'if (exists) watcher.revoked(kind, id, this.readTtl(KEY_PREFIX + name));',
    to: 'if (exists) setTimeout(() => watcher.revoked(kind, id, this.readTtl(KEY_PREFIX + name)), 1_000);',
    scenario: 'revocation',
    guarantees: ['G5'],
  },
  'proves notifications every ten minutes': {
    file: REVOCATIONS,
    from: 'const PROOF_MS = 10_000;',
    to: 'const PROOF_MS = 600_000;',
    scenario: 'revocation',
    guarantees: ['G5'],
  },
  'lets responses of a revoked session go on': {
    file: SESSION_RESPONSES,
    from: '} else if (this.revocations.isKnownRevoked(principal)) {',
    to: `} else if (this.revocations.isKnownRevoked(principal) && exchange.id === '') {`,
    scenario: 'revocation',
    guarantees: ['G5'],
  },
  'waits for the end of an event as long as it takes': {
    file: SESSION_RESPONSES,
    from: 'exchange.breakOff(exception);',
    to: 'exchange.endEarly(exception);',
    scenario: 'revocation',
    guarantees: ['G5'],
  },
  'admits twice its share without Redis': {
    file: 'libs/gateway/src/limits/rate-limiter.ts',
    from: 'return { passes: consumed <= limit, limit,',
    to: 'return { passes: consumed <= 2 * limit, limit,',
    scenario: 'limitsWithoutRedis',
    guarantees: ['G6'],
  },
  'admits the whole limit without Redis': {
    file: 'libs/gateway/src/gates/rate-limit.gate.ts',
    from: 'localPerMinute: Math.max(1, Math.floor(most / rateLimit.replicas))',
    to: 'localPerMinute: most',
    scenario: 'limitsWithoutRedis',
    guarantees: ['G6'],
  },
  'forgets what was counted without Redis': {
    file: 'libs/gateway/src/limits/rate-limiter.ts',
    from: 'const points = 1 + this.local.remove(key);',
    to: 'this.local.remove(key);\n    const points = 1;',
    scenario: 'limitsWithoutRedis',
    guarantees: ['G6'],
  },
  'leaves event streams open when the token expires': {
    file: SESSION_RESPONSES,
    from: 'this.authenticator.isExpired(principal) && endsAtExpiry(exchange)',
    to: 'this.authenticator.isExpired(principal) && !endsAtExpiry(exchange)',
    scenario: 'expiry',
    guarantees: ['G5'],
  },
  'ends event streams before the token expires': {
    file: SESSION_RESPONSES,
    from: 'this.authenticator.isExpired(principal) && endsAtExpiry(exchange)',
    to: '(this.authenticator.isExpired(principal) || now - exchange.startedAt > 5_000) && endsAtExpiry(exchange)',
    scenario: 'streams',
    guarantees: ['G1'],
  },
  'takes a known token past its expiry': {
    file: 'libs/auth/src/access-token.verifier.ts',
    from: 'if (!this.isExpired(known)) return known;',
    to: 'if (known.expiresAt > 0) return known;',
    scenario: 'expiry',
    guarantees: ['G5'],
  },
};
