import { getEventListeners } from 'node:events';
import { delay, nextTurn } from './delay.js';

describe('delay', () => {
  it('resolves after its time, and not before', async () => {
    const begun = performance.now();

    await delay(20);

    expect(performance.now() - begun).toBeGreaterThanOrEqual(19);
  });

  it('rejects with the reason of its signal, and leaves no listener', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const aborted = delay(60_000, { signal });
    const passed = delay(1, { signal });

    await passed;
    controller.abort(new Error('enough'));

    await expect(aborted).rejects.toThrow('enough');
    await expect(delay(1, { signal })).rejects.toThrow('enough');
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });
});

describe('nextTurn', () => {
  it('resolves behind the promises of this turn', async () => {
    const order: string[] = [];
    const turn = nextTurn().then(() => order.push('turn'));
    await Promise.resolve().then(() => order.push('promise'));

    await turn;

    expect(order).toEqual(['promise', 'turn']);
  });
});
