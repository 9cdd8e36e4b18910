import assert from 'node:assert/strict';
import { it } from 'node:test';
import { errorResponderKit, startTestGateway } from '@secureconnect/gateway/testing';
import { AppModule } from './app.module.js';
import { ProblemResponder } from './problem.responder.js';

for (const { name, run } of errorResponderKit) it(name, () => run(() => new ProblemResponder()));

it('makes the responses of the gateway', async () => {
  await using gateway = await startTestGateway(AppModule);

  const response = await fetch(`${gateway.url}/orders`);

  assert.equal(response.headers.get('content-type'), 'application/problem+json');
  assert.equal(((await response.json()) as { status: number }).status, 401);
});
