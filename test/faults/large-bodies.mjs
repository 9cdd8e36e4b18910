import { once } from 'node:events';
import { createServer, request } from 'node:http';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import { HOST } from './gateway.mjs';

const CHUNK = Buffer.alloc(64 * 1_024, 'a chunk of a large body, the same as all others; ');
const PATIENCE_MS = 120_000;

/** For how long a receiver reads nothing, once, so that whoever stands before it has to hold the sender back. */
const PAUSE_MS = 1_500;

/** A service that gives and takes bodies of this size, and remembers what it took. */
export async function startStorage(bytes) {
  const taken = [];
  const server = createServer((incoming, response) => {
    if (incoming.method === 'PUT') {
      take(incoming, bytes, response, taken).catch(() => incoming.destroy());
      return;
    }
    response.setHeader('Content-Length', bytes);
    pipeline(body(bytes), response).catch(() => response.destroy());
  });
  server.requestTimeout = 0;
  server.listen(0, HOST);
  await once(server, 'listening');
  return { url: `http://${HOST}:${server.address().port}`, taken, close: () => server.close() };
}

async function take(incoming, bytes, response, taken) {
  taken.push(await taking(incoming, bytes));
  response.end('{}');
}

/** Sends a body of this size. @returns the status */
export async function upload(port, bytes) {
  const outgoing = ask(port, 'PUT', { 'content-length': bytes });
  const answered = once(outgoing, 'response');
  // Not `pipeline`: an answer before the end of the body is an answer.
  await Promise.race([pipeline(body(bytes), outgoing), answered]);
  const [response] = await answered;
  await response.resume().toArray();
  return response.statusCode;
}

/** @returns the status, with `bytes` and `checksum` of what came */
export async function download(port, bytes) {
  const outgoing = ask(port, 'GET', {});
  outgoing.end();
  const [response] = await once(outgoing, 'response');
  return { status: response.statusCode, ...(await taking(response, bytes)) };
}

/** What a body of this size comes to. */
export function expected(bytes) {
  let checksum = 0;
  for (let sent = 0; sent < bytes; sent += CHUNK.length) checksum = crc32(CHUNK, checksum);
  return { bytes, checksum };
}

function ask(port, method, headers) {
  const signal = AbortSignal.timeout(PATIENCE_MS);
  return request({ host: HOST, port, method, path: '/v1/storage/objects/of-the-bench', headers, signal });
}

function body(bytes) {
  let sent = 0;
  return new Readable({
    highWaterMark: CHUNK.length,
    read() {
      sent += CHUNK.length;
      this.push(sent <= bytes ? CHUNK : null);
    },
  });
}

/** Reads all of it, with a pause in the middle. */
async function taking(stream, bytes) {
  const found = { bytes: 0, checksum: 0 };
  const pausing = new Transform({
    async transform(chunk, _encoding, callback) {
      const isHalf = found.bytes < bytes / 2 && found.bytes + chunk.length >= bytes / 2;
      found.bytes += chunk.length;
      found.checksum = crc32(chunk, found.checksum);
      if (isHalf) await delay(PAUSE_MS);
      callback();
    },
  });
  await pipeline(stream, pausing, async (parts) => {
    for await (const part of parts) throw new Error(`${part.length} bytes too many`);
  });
  return found;
}
