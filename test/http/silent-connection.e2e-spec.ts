import { startGateway } from '../support/gateway.js';
import { metricsOf } from '../support/metrics.js';
import { RawClient } from '../support/raw-client.js';

describe('a connection', () => {
  it('over which nothing came is closed without a word: a browser that opened it in advance asked for nothing', async () => {
    await using gateway = await startGateway({ env: { CLIENT_HEADER_TIMEOUT_MS: '300' } });
    await using client = await RawClient.connect(gateway.port);

    const { text } = await client.ended();

    expect(text).toBe('');
    expect(gateway.logs.filter(({ message }) => message === 'malformed request')).toEqual([]);
    expect(await metricsOf(gateway)).not.toMatch(/status="408"[^\n]* [1-9]/);
  });
});
