import { Upstream } from '@app/proxy';

const KIB = 1024;

@Upstream({
  name: 'auth-service',
  instances: { compose: ['http://auth-service:8080'], local: ['http://localhost:8081'] },
  routes: [
    // Open to strangers: a large body, sent slowly, would hold a connection to the service for hours.
    { methods: ['POST'], path: '/v1/auth/register', auth: 'none', bodyLimitBytes: 64 * KIB },
    { methods: ['POST'], path: '/v1/auth/login', auth: 'none', bodyLimitBytes: 64 * KIB },
    { methods: ['POST'], path: '/v1/auth/refresh', auth: 'none', bodyLimitBytes: 64 * KIB },
    { methods: ['POST'], path: '/v1/auth/password-reset/request', auth: 'none', bodyLimitBytes: 64 * KIB },
    { methods: ['POST'], path: '/v1/auth/password-reset/confirm', auth: 'none', bodyLimitBytes: 64 * KIB },
    { methods: ['POST'], path: '/v1/auth/logout', endsSession: true },
    { methods: ['GET'], path: '/v1/auth/profile' },

    { methods: ['GET', 'PATCH', 'DELETE'], path: '/v1/users/me' },
    { methods: ['POST'], path: '/v1/users/me/password' },
    { methods: ['POST'], path: '/v1/users/me/email' },
    { methods: ['POST'], path: '/v1/users/me/email/verify' },
    { methods: ['GET'], path: '/v1/users/me/blocked' },
    { methods: ['GET'], path: '/v1/users/me/friends' },
    { methods: ['POST'], path: '/v1/users/me/friends/:id/accept' },
    { methods: ['DELETE'], path: '/v1/users/me/friends/:id/reject' },
    { methods: ['DELETE'], path: '/v1/users/me/friends/:id' },
    { methods: ['POST', 'DELETE'], path: '/v1/users/:id/block' },
    { methods: ['POST'], path: '/v1/users/:id/friend' },

    { methods: ['GET', 'POST'], path: '/v1/conversations' },
    { methods: ['GET', 'PATCH', 'DELETE'], path: '/v1/conversations/:id' },
    { methods: ['PUT'], path: '/v1/conversations/:id/settings' },
    { methods: ['GET', 'POST'], path: '/v1/conversations/:id/participants' },
    { methods: ['DELETE'], path: '/v1/conversations/:id/participants/:userId' },

    { methods: ['POST'], path: '/v1/keys/upload' },
    { methods: ['POST'], path: '/v1/keys/rotate' },
    { methods: ['GET'], path: '/v1/keys/:user_id' },
  ],
})
export class AuthUpstream {}
