import { Upstream } from '@app/proxy';
import { Module, type Type } from '@nestjs/common';
import { startGateway } from '../support/gateway.js';
import { startService } from '../support/service.js';

const STREAMS = 60;
const EVENT_STREAM = { 'Content-Type': 'text/event-stream' };

/** A module with event streams that are resumed. @param onAttempt called before each attempt */
function moduleOf(onAttempt: () => void): Type {
  class TickerUpstream {}
  Upstream({
    name: 'ticker-service',
    instances: ['http://127.0.0.1:9'],
    routes: [{ methods: ['GET'], path: '/v1/ticks', auth: 'none', eventStream: { resume: true } }],
    proxy: { on: { proxyReq: onAttempt } },
  })(TickerUpstream);
  class TickerModule {}
  Module({ providers: [TickerUpstream] })(TickerModule);
  return TickerModule;
}

describe('the event streams of a single instance that restarts', () => {
  it('go on, all of them, and open no circuit', async () => {
    let attempts = 0;
    const { promise: allTried, resolve: tried } = Promise.withResolvers<void>();
    const module = moduleOf(() => {
      if (++attempts === 3 * STREAMS) tried();
    });
    const first = await startService((_request, response) => {
      response.writeHead(200, EVENT_STREAM).write('id: 1\ndata: 1\n\n');
    });
    await using gateway = await startGateway({
      modules: [module],
      env: { TICKER_SERVICE_URL: first.url, RATELIMIT: 'off' },
    });
    const opened = Array.from({ length: STREAMS }, () => fetch(`${gateway.url}/v1/ticks`));
    const responses = await Promise.all(opened);

    first.server.close();
    for (const socket of first.sockets) socket.resetAndDestroy();
    await first[Symbol.asyncDispose]();
    // Each was refused at least once.
    await allTried;
    await using second = await startService(
      (request, response) => {
        const id = Number(request.headers['last-event-id']) + 1;
        response.writeHead(200, EVENT_STREAM).end(`id: ${id}\ndata: ${id}\n\n`);
      },
      { port: first.port },
    );
    const texts = await Promise.all(responses.map((response) => response.text()));

    expect(new Set(texts)).toEqual(new Set(['id: 1\ndata: 1\n\nid: 2\ndata: 2\n\n']));
    expect(second.accepted()).toBeGreaterThan(0);
    expect(gateway.logs.filter(({ message }) => String(message).startsWith('circuit'))).toEqual([]);
  });
});
