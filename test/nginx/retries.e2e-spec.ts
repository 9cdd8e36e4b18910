import type { IncomingMessage, ServerResponse } from 'node:http';
import { cpus } from 'node:os';
import { ask } from '../support/ask.js';
import { freePort } from '../support/free-port.mjs';
import { describeWithNginx, Nginx } from '../support/nginx.js';
import { RawClient } from '../support/raw-client.js';
import { bodyOf, startRawService, startService } from '../support/service.js';
import { rawHandshake } from '../support/websocket.js';

const TIMES = 8;

/** A gateway that is whole, and what was asked of it. */
async function startWhole(status = 200) {
  const asked: string[] = [];
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    asked.push(`${request.method} ${await bodyOf(request)}`);
    response.writeHead(status).end('whole');
  };
  const service = await startService((request, response) => void answer(request, response));
  return Object.assign(service, { asked });
}

/** A gateway that takes requests and breaks off. */
async function startBroken() {
  let asked = 0;
  const service = await startRawService((socket) => {
    socket.once('data', () => {
      asked++;
      socket.destroy();
    });
  });
  return Object.assign(service, { asked: () => asked });
}

async function askTimes(port: number, method: string, body?: string): Promise<number[]> {
  const statuses: number[] = [];
  for (let n = 0; n < TIMES; n++)
    statuses.push((await ask({ port }, { method, ...(body && { body }) })).status);
  return statuses;
}

const all = (status: number): number[] => Array.from({ length: TIMES }, () => status);

describeWithNginx('nginx before two gateways', () => {
  it.each([
    ['GET', undefined],
    ['POST', '{"large":"x"}'],
    ['PUT', 'y'.repeat(100_000)],
    ['DELETE', undefined],
  ])('goes to the other one where a connection is refused: %s', async (method, body) => {
    await using whole = await startWhole();
    await using nginx = await Nginx.start([await freePort(), whole.port]);

    expect(await askTimes(nginx.port, method, body)).toEqual(all(200));

    expect(whole.asked).toEqual(Array.from({ length: TIMES }, () => `${method} ${body ?? ''}`));
    const retried = nginx.lines.filter((line) => line.includes('"upstream_status":"502, 200"'));
    expect(retried.length).toBeGreaterThan(0);
  });

  it('asks one that refused a few times no more for a while', async () => {
    await using whole = await startWhole();
    await using nginx = await Nginx.start([await freePort(), whole.port]);

    for (let n = 0; n < 40; n++) await ask(nginx);

    expect(whole.asked).toHaveLength(40);
    await nginx.logged(() => nginx.lines.length === 40);
    // Five, and one more every two seconds; it would be every other request.
    const retried = nginx.lines.filter((line) => line.includes('"502, 200"'));
    expect(retried.length).toBeGreaterThanOrEqual(5);
    expect(retried.length).toBeLessThan(15);
  });

  it('sends a GET again that broke off, and never a POST', async () => {
    await using whole = await startWhole();
    await using broken = await startBroken();
    await using nginx = await Nginx.start([broken.port, whole.port]);

    const posts = await askTimes(nginx.port, 'POST', '{}');
    const sentToBroken = broken.asked();

    expect(sentToBroken).toBeGreaterThan(0);
    expect(posts.filter((status) => status === 502)).toHaveLength(sentToBroken);
    expect(whole.asked).toHaveLength(TIMES - sentToBroken);
    expect(await askTimes(nginx.port, 'GET')).toEqual(all(200));
  });

  it.each([502, 503, 504])(
    'sends nothing again for a %d, which the other would answer too',
    async (status) => {
      await using one = await startWhole(status);
      await using other = await startWhole(status);
      await using nginx = await Nginx.start([one.port, other.port]);

      expect(await askTimes(nginx.port, 'GET')).toEqual(all(status));
      expect(one.asked.length + other.asked.length).toBe(TIMES);
    },
  );

  it('asks the other for a WebSocket where one answers 503, and passes on what both say', async () => {
    await using one = await startWhole(503);
    await using other = await startWhole(401);
    await using nginx = await Nginx.start([one.port, other.port]);

    for (let n = 0; n < TIMES; n++) {
      await using client = await RawClient.connect(nginx.port);
      client.write(rawHandshake());
      expect(await client.until(/whole/)).toMatch(/^HTTP\/1\.1 401 /);
    }
    expect(other.asked).toHaveLength(TIMES);
    expect(one.asked.length).toBeGreaterThan(0);
  });

  it('keeps its connections to the gateways', async () => {
    await using one = await startWhole();
    await using other = await startWhole();
    await using nginx = await Nginx.start([one.port, other.port]);

    for (let n = 0; n < 10; n++) await askTimes(nginx.port, n % 2 ? 'GET' : 'POST');

    expect(one.asked.length + other.asked.length).toBe(80);
    // One of each worker to each gateway, and a worker for each processor.
    expect(one.accepted() + other.accepted()).toBeLessThanOrEqual(2 * cpus().length);
  });
});
