import { ask } from '../../../../test/support/ask.js';
import { startGateway } from '../../../../test/support/gateway.js';
import { ExceptionResponder } from './exception.responder.js';

describe('an exception that is expected', () => {
  it.each([
    [401, { path: '/v1/messages' }],
    [401, { path: '/v1/messages', headers: { Authorization: 'Bearer a.b.c' } }],
    [403, { path: '/v1/messages', headers: { Origin: 'http://evil.example' } }],
    [405, { method: 'PUT', path: '/v1/messages' }],
    [400, { path: '/v1/%2e%2e/messages' }],
    [429, { method: 'POST', path: '/v1/auth/login' }],
  ])('with status %i, for %j, has no stack trace, nor has its cause', async (status, question) => {
    await using gateway = await startGateway({ env: { RATELIMIT: 'on', RATELIMIT_AUTH_LOGIN: '1' } });
    if (status === 429) await ask(gateway, question);
    const thrown: Error[] = [];
    const responder = gateway.app.get(ExceptionResponder, { strict: false });
    const respond = responder.respond.bind(responder);
    responder.respond = (request, response, error) => {
      thrown.push(error as Error);
      respond(request, response, error);
    };

    expect((await ask(gateway, question)).status).toBe(status);

    expect(thrown).toHaveLength(1);
    for (let error: unknown = thrown[0]; error instanceof Error; error = error.cause) {
      expect(error.stack).not.toMatch(/\n/);
    }
    expect(new Error('real').stack).toMatch(/\n +at /);
  });
});
