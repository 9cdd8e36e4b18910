import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeWithPython, runSchemathesis } from '../support/schemathesis.js';
import { RunningSystem } from '../support/system.js';

describeWithPython('schemathesis over the reference services', () => {
  it('finds nothing but what is accepted', async () => {
    await using stack = new AsyncDisposableStack();
    const dataDir = await mkdtemp(join(tmpdir(), 'gateway-openapi-'));
    stack.defer(() => rm(dataDir, { recursive: true }));
    const system = stack.use(
      await RunningSystem.start(dataDir, {
        services: ['auth', 'chat', 'video', 'storage'],
        gateway: { RATELIMIT: 'off' },
      }),
    );

    const output = await runSchemathesis(system.url);

    expect(output).toMatch(/Operations: +55 selected/);
    expect(output).toMatch(/Tested: 55/);
    // Tokens that a logout or the end of an account voids are replaced: 401 alone would show nothing.
    expect(output).not.toContain('401 Unauthorized (');
  }, 240_000);
});
