import { once } from 'node:events';
import { request } from 'node:http';
import { WebSocket } from 'ws';
import { bodyOf, PATHS } from '../service/bodies.mjs';

/** @throws Error unless a request has its response, and the service has it with all that a service needs */
export async function validateRequest(bench, proxy, path, upload = 0) {
  const outgoing = request(proxy.url + path, {
    method: upload > 0 ? 'POST' : 'GET',
    headers: { ...headersOf(bench), 'content-type': 'application/octet-stream' },
    agent: false,
  });
  outgoing.end(Buffer.alloc(upload, 'u'));
  const [response] = await once(outgoing, 'response');
  const body = Buffer.concat(await response.toArray());
  const expected = bodyOf(path);
  if (response.statusCode !== 200 || !body.equals(expected)) {
    throw new Error(`${proxy.target.key} responds ${response.statusCode} with ${body.length} bytes`);
  }
  await validateForwardedFor(bench, proxy);
}

export async function validateEvents(bench, proxy) {
  const outgoing = request(proxy.url + PATHS.events, {
    headers: headersOf(bench),
    agent: false,
  }).end();
  const [response] = await once(outgoing, 'response');
  const [event] = await once(response, 'data');
  outgoing.destroy();
  if (response.statusCode !== 200 || !event.toString().startsWith('data: ')) {
    throw new Error(`${proxy.target.key} responds ${response.statusCode} with ${event}`);
  }
  await validateForwardedFor(bench, proxy);
}

export async function validateSocket(bench, proxy) {
  const client = new WebSocket(proxy.url.replace('http:', 'ws:') + PATHS.socket, {
    headers: headersOf(bench),
  });
  await once(client, 'open');
  client.send('how are you');
  const [echo] = await once(client, 'message');
  if (echo.toString() !== 'how are you') throw new Error(`${proxy.target.key} echoes ${echo}`);
  await validateForwardedFor(bench, proxy);
  client.close();
  await once(client, 'close');
}

/** Headers of a request that the service can recognise. */
function headersOf({ users, mark }) {
  return { authorization: users[0], 'x-bench': mark };
}

/** Checks the header that every service needs: a proxy that leaves it out has less to do. */
async function validateForwardedFor({ backend, mark }, proxy) {
  const { head } = await backend.run('head');
  if (!head.includes(mark)) throw new Error(`${proxy.target.key} has not passed the request on:\n${head}`);
  if (!/^x-forwarded-for(?::|$)\s*127\.0\.0\.1/im.test(head)) {
    throw new Error(`${proxy.target.key} sends no X-Forwarded-For:\n${head}`);
  }
}
