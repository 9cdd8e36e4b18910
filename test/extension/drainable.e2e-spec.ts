import { Drainable, type DrainTarget } from '@app/gateway';
import { Module } from '@nestjs/common';
import { startGateway } from '../support/gateway.js';

/** Steps of the drain as a target hears them. */
let steps: string[] = [];
let finish = (): void => {};

@Drainable()
class JobQueue implements DrainTarget {
  refuseNew(): void {
    steps.push('refuse');
  }

  async drain(): Promise<void> {
    steps.push('drain');
    await new Promise<void>((resolve) => (finish = resolve));
    steps.push('done');
  }

  countOpen(): { readonly jobs: number } {
    return { jobs: 3 };
  }
}

@Drainable()
class BrokenTarget implements DrainTarget {
  refuseNew(): void {
    throw new Error('cannot refuse');
  }

  async drain(): Promise<void> {
    throw new Error('cannot drain');
  }

  countOpen(): Readonly<Record<string, number>> {
    throw new Error('cannot count');
  }
}

@Module({ providers: [BrokenTarget, JobQueue] })
class QueueModule {}

describe("a team's drainable provider", () => {
  beforeEach(() => (steps = []));

  it('is drained beside the connections, and counted in the log lines; one that fails holds nothing up', async () => {
    const gateway = await startGateway({ modules: [QueueModule], env: { DRAIN_TIMEOUT_MS: '60000' } });

    const closed = gateway.app.close();
    await gateway.logged({ message: 'drain: listener closed', jobs: 3 });
    while (!steps.includes('drain')) await new Promise(setImmediate);
    finish();
    await closed;

    expect(steps).toEqual(['refuse', 'drain', 'done']);
    expect(gateway.logs).toContainEqual(
      expect.objectContaining({ level: 'error', message: 'drain failed', target: 'BrokenTarget' }),
    );
    expect(gateway.logs).toContainEqual(expect.objectContaining({ message: 'drain complete', jobs: 3 }));
  });

  it('is not waited for past the deadline', async () => {
    const gateway = await startGateway({ modules: [QueueModule], env: { DRAIN_TIMEOUT_MS: '100' } });

    await gateway.app.close();

    expect(steps).toEqual(['refuse', 'drain']);
  });
});
