import { Upstream, type Exchange, type Gate } from '@app/proxy';
import { Injectable, Module, type Type } from '@nestjs/common';
import { startGateway, type RunningGateway } from '../support/gateway.js';
import { exchangeRaw } from '../support/raw-client.js';
import { startService } from '../support/service.js';
import { rawHandshake, startSocketService } from '../support/websocket.js';

/** A module of a team whose gate runs this code. */
function moduleWith(gate: Partial<Gate>): Type {
  @Injectable()
  class TeamGate implements Gate {
    check(exchange: Exchange): void {
      void gate.check?.(exchange);
    }

    onResponse(exchange: Exchange, status: number): void {
      gate.onResponse?.(exchange, status);
    }
  }
  @Upstream({
    name: 'live-service',
    instances: ['http://127.0.0.1:9'],
    gates: [TeamGate],
    routes: [
      { methods: ['GET'], path: '/plain', auth: 'none' },
      { methods: ['GET'], path: '/live', auth: 'none', websocket: {} },
    ],
  })
  class Live {}
  @Module({ providers: [Live, TeamGate] })
  class LiveModule {}
  return LiveModule;
}

const startWith = (url: string, gate: Partial<Gate>): Promise<RunningGateway> =>
  startGateway({ modules: [moduleWith(gate)], env: { LIVE_SERVICE_URL: url } });

const adds = (...fields: string[]): Partial<Gate> => ({
  check: (exchange) => void exchange.responseHeaders.push(...fields),
});

const PLAIN = 'GET /plain HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n';

describe('headers that a gate adds to a response', () => {
  it.each([
    ['a name with a line break', 'X-A: b\r\nSet-Cookie: evil=1\r\nX-B', 'c'],
    ['a value with a line break', 'X-A', 'b\r\nSet-Cookie: evil=1'],
    ['a length', 'Content-Length', '3'],
    ['a coding', 'Transfer-Encoding', 'chunked'],
    ['an option of the connection', 'connection', 'keep-alive'],
  ])('cannot be %s', async (_what, name, value) => {
    await using service = await startService((_request, response) => response.end('ok'));
    await using gateway = await startWith(service.url, adds(name, value));

    const { text, statuses } = await exchangeRaw(gateway.port, PLAIN);

    expect(text).not.toContain('evil=1');
    expect(statuses).toEqual([500]);
    expect(text.match(/^(?:Content-Length|Transfer-Encoding|Connection):/gim)).toHaveLength(2);
    await gateway.logged({ message: 'request', error_code: 'GATE_FAILED' });
  });

  it('are left out of a 101 if they have a line break, or frame a message', async () => {
    await using service = await startSocketService(({ socket }) => socket.close());
    const evil = 'X-A: b\r\nSet-Cookie: evil=1\r\nX-B';
    await using gateway = await startWith(
      service.url,
      adds(evil, 'c', 'X-C', 'd\r\nSet-Cookie: evil=1', 'Transfer-Encoding', 'chunked', 'X-Kept', 'yes'),
    );

    const { text } = await exchangeRaw(gateway.port, rawHandshake('/live'));

    expect(text).toMatch(/^HTTP\/1\.1 101 /);
    expect(text).toContain('\r\nX-Kept: yes\r\n');
    expect(text).not.toMatch(/evil|Transfer-Encoding|X-C/);
  });
});

describe('a gate whose onResponse throws', () => {
  it('is not taken for a fault of the service', async () => {
    await using service = await startService((_request, response) => response.end('ok'));
    await using gateway = await startWith(service.url, {
      onResponse() {
        throw new Error('the team forgot');
      },
    });

    const { statuses, json } = await exchangeRaw(gateway.port, PLAIN);

    expect(statuses).toEqual([500]);
    expect(json).toMatchObject({ error: 'Internal server error' });
    await gateway.logged({ message: 'request', error_code: 'GATE_FAILED', cause: 'the team forgot' });
  });
});
