import { Upstream } from '@app/gateway';

const KIB = 1024;

/** Options of routes without a token. Their bodies are small: anyone could hold a connection for hours by a large one. */
const OPEN = { methods: ['POST'], auth: 'none', bodyLimitBytes: 64 * KIB } as const;

const ME = { name: 'USERS_ME', perMinute: 50 };
const FRIENDS = { name: 'USERS_ME_FRIENDS', perMinute: 30 };
const CONVERSATION = { name: 'CONVERSATIONS_ID', perMinute: 100 };
const PARTICIPANTS = { name: 'CONVERSATIONS_ID_PARTICIPANTS', perMinute: 30 };

@Upstream({
  name: 'auth-service',
  instances: ['http://localhost:8081'],
  routes: [
    { ...OPEN, path: '/v1/auth/register', limit: { name: 'AUTH_REGISTER', perMinute: 5 } },
    { ...OPEN, path: '/v1/auth/login', limit: { name: 'AUTH_LOGIN', perMinute: 10 } },
    { ...OPEN, path: '/v1/auth/refresh', limit: { name: 'AUTH_REFRESH', perMinute: 10 } },
    {
      ...OPEN,
      path: '/v1/auth/password-reset/request',
      limit: { name: 'AUTH_PASSWORD_RESET_REQUEST', perMinute: 3 },
    },
    {
      ...OPEN,
      path: '/v1/auth/password-reset/confirm',
      limit: { name: 'AUTH_PASSWORD_RESET_CONFIRM', perMinute: 5 },
    },
    { methods: ['POST'], path: '/v1/auth/logout', endsSession: true },
    { methods: ['GET'], path: '/v1/auth/profile' },

    { methods: ['GET', 'PATCH', 'DELETE'], path: '/v1/users/me', limit: ME },
    {
      methods: ['POST'],
      path: '/v1/users/me/password',
      limit: { name: 'USERS_ME_PASSWORD', perMinute: 5 },
    },
    { methods: ['POST'], path: '/v1/users/me/email', limit: { name: 'USERS_ME_EMAIL', perMinute: 5 } },
    { methods: ['POST'], path: '/v1/users/me/email/verify', limit: { name: 'USERS_ME_EMAIL', perMinute: 5 } },
    { methods: ['GET'], path: '/v1/users/me/blocked', limit: ME },
    { methods: ['GET'], path: '/v1/users/me/friends', limit: FRIENDS },
    { methods: ['POST'], path: '/v1/users/me/friends/:id/accept', limit: FRIENDS },
    { methods: ['DELETE'], path: '/v1/users/me/friends/:id/reject', limit: FRIENDS },
    { methods: ['DELETE'], path: '/v1/users/me/friends/:id', limit: FRIENDS },
    {
      methods: ['POST', 'DELETE'],
      path: '/v1/users/:id/block',
      limit: { name: 'USERS_ID_BLOCK', perMinute: 20 },
    },
    { methods: ['POST'], path: '/v1/users/:id/friend' },

    {
      methods: ['GET', 'POST'],
      path: '/v1/conversations',
      limit: { name: 'CONVERSATIONS', perMinute: 50 },
    },
    { methods: ['GET', 'PATCH', 'DELETE'], path: '/v1/conversations/:id', limit: CONVERSATION },
    { methods: ['PUT'], path: '/v1/conversations/:id/settings', limit: CONVERSATION },
    { methods: ['GET', 'POST'], path: '/v1/conversations/:id/participants', limit: PARTICIPANTS },
    { methods: ['DELETE'], path: '/v1/conversations/:id/participants/:userId', limit: PARTICIPANTS },

    { methods: ['POST'], path: '/v1/keys/upload', limit: { name: 'KEYS_UPLOAD', perMinute: 20 } },
    { methods: ['POST'], path: '/v1/keys/rotate', limit: { name: 'KEYS_ROTATE', perMinute: 10 } },
    { methods: ['GET'], path: '/v1/keys/:user_id' },
  ],
})
export class AuthUpstream {}
