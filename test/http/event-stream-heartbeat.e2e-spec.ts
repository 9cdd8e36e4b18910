import { Upstream } from '@app/proxy';
import { Module } from '@nestjs/common';
import { startGateway, type RunningGateway } from '../support/gateway.js';
import { RawClient } from '../support/raw-client.js';
import { rawRequest } from '../support/raw-request.js';
import { startService, type PlayedService } from '../support/service.js';

@Upstream({
  name: 'ticker-service',
  instances: ['http://127.0.0.1:9'],
  routes: [
    { methods: ['GET'], path: '/v1/ticks', auth: 'none', eventStream: { heartbeatMs: 300 } },
    { methods: ['GET'], path: '/v1/held', auth: 'none', eventStream: { heartbeatMs: 300, resume: true } },
    { methods: ['GET'], path: '/v1/silent', auth: 'none', eventStream: { heartbeatMs: 0 } },
  ],
})
class TickerUpstream {}

@Module({ providers: [TickerUpstream] })
class TickerModule {}

/** A service that sends what the query says, with the type that it says, and is silent then. */
function startTicker(): Promise<PlayedService> {
  return startService((request, response) => {
    const query = new URL(request.url!, 'http://a').searchParams;
    const encoding = query.get('encoding');
    const length = query.get('length');
    response.writeHead(200, {
      'Content-Type': query.get('type') ?? 'text/event-stream',
      ...(encoding !== null && { 'Content-Encoding': encoding }),
      ...(length !== null && { 'Content-Length': length }),
    });
    response.write(query.get('text') ?? '');
    response.flushHeaders();
  });
}

async function open(gateway: RunningGateway, target: string, method = 'GET'): Promise<RawClient> {
  const client = await RawClient.connect(gateway.port);
  client.write(rawRequest(`${method} ${target}`));
  await client.until(/\r\n\r\n/);
  return client;
}

const start = (service: PlayedService): Promise<RunningGateway> =>
  startGateway({ modules: [TickerModule], env: { TICKER_SERVICE_URL: service.url } });

const event = encodeURIComponent('data: a\n\n');

describe('a heartbeat', () => {
  it.concurrent.each([
    ['before the first event', '/v1/ticks'],
    ['behind an event', `/v1/ticks?text=${event}`],
    ['while an event waits for its end', `/v1/held?text=${event}data:`],
  ])('comes again and again while a service is silent: %s', async (_when, target) => {
    await using service = await startTicker();
    await using gateway = await start(service);
    await using client = await open(gateway, target);

    await client.until(/\r\n\r\n(?:9\r\ndata: a\n\n\r\n)?(?:3\r\n:\n\n\r\n){3}$/);
  });

  it.concurrent.each([
    ['within an event', `/v1/ticks?text=${event}data:`],
    ['in an encoded body', `/v1/ticks?text=${event}&encoding=gzip`],
    ['in a body with a length', `/v1/ticks?text=${event}&length=1000`],
    ['in a body of another type', `/v1/ticks?text=${event}&type=text/plain`],
    ['on a route without it', `/v1/silent?text=${event}`],
  ])('never comes %s', async (_where, target) => {
    await using service = await startTicker();
    await using gateway = await start(service);
    await using client = await open(gateway, target);
    // It begins after the other.
    await using other = await open(gateway, '/v1/ticks');

    await other.until(/(?:3\r\n:\n\n\r\n){3}$/);

    expect(client.text.slice(client.text.indexOf('\r\n\r\n'))).not.toMatch(/^:$/m);
  });

  it.concurrent('tells the gateway that a client has left', async () => {
    await using service = await startTicker();
    await using gateway = await start(service);
    await using client = await open(gateway, '/v1/ticks');

    // A FIN, and a reset in response to the heartbeat.
    client.socket.destroy();

    await gateway.logged({ path: '/v1/ticks', error_code: 'CLIENT_GONE' });
  });
});
