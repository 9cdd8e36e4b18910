import { once } from 'node:events';
import { get, type IncomingMessage, type ServerResponse } from 'node:http';
import { setImmediate as turn } from 'node:timers/promises';
import { bearer, startGateway } from '../support/gateway.js';
import { describeUnderLoad } from '../support/requirements.js';
import { startService } from '../support/service.js';

const MIB = 1024 * 1024;

/** More than the buffers of both ends can take. */
const LATE_BYTES = 40 * MIB;
/** Less than what holds a service back, so that two pieces may wait for the client; and large enough for memory of its own. */
const LATE_PIECE_BYTES = 40_000;

/** Many reads, but no whole number of them. */
const FAST_BYTES = 2 * MIB + 12_344;
const LEAVES_AFTER_BYTES = MIB;

/** Turns of the event loop without a byte, after which a service is held back for good. */
const STILL_TURNS = 200;

/** What a client asks for, and how it reads: `late` begins when the others have ended. */
interface Download {
  readonly number: number;
  readonly framing: 'length' | 'chunks' | 'end';
  readonly reader: 'late' | 'fast' | 'leaving';
  readonly body: Buffer;
}

/** Words that no other body has at any place. */
function bodyOf(number: number, bytes: number): Buffer {
  return Buffer.from(Uint32Array.from({ length: bytes / 4 }, (_, index) => number * 16 * MIB + index).buffer);
}

function makeDownloads(): Download[] {
  const readers = ['late', ...Array.from({ length: 8 }, () => 'fast'), 'leaving', 'leaving'] as const;
  const kinds = (['length', 'chunks', 'end'] as const).flatMap((framing) =>
    readers.map((reader) => ({ framing, reader: reader as Download['reader'] })),
  );
  return kinds.map(({ framing, reader }, number) => {
    return { number, framing, reader, body: bodyOf(number, reader === 'late' ? LATE_BYTES : FAST_BYTES) };
  });
}

/**
 * Sends a body in pieces: to a late reader one by one, to others in all sizes, so that of some there are many in one
 * read, and of others a part.
 */
async function answer({ framing, reader, body }: Download, response: ServerResponse): Promise<void> {
  if (framing === 'length') response.setHeader('Content-Length', body.length);
  else if (framing === 'chunks') response.setHeader('Trailer', 'X-Body').addTrailers({ 'X-Body': 'whole' });
  else response.useChunkedEncodingByDefault = response.shouldKeepAlive = false;
  for (let at = 0; at < body.length && !response.destroyed;) {
    const bytes = reader === 'late' ? LATE_PIECE_BYTES : 1_000 + ((at * 7) % 150_000);
    const hasRoom = response.write(body.subarray(at, (at += bytes)));
    if (!hasRoom) await Promise.race([once(response, 'drain'), once(response, 'close')]);
    if (reader === 'late') await turn();
  }
  response.end();
}

/** How many bytes came that should have, one by one; and what came behind them. */
async function compare({ reader, body }: Download, response: IncomingMessage): Promise<[number, unknown]> {
  let right = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    if (!chunk.equals(body.subarray(right, right + chunk.length))) break;
    right += chunk.length;
    if (reader === 'leaving' && right >= LEAVES_AFTER_BYTES) return [LEAVES_AFTER_BYTES, undefined];
  }
  return [right, response.trailers['x-body']];
}

describeUnderLoad('many large responses at once', () => {
  it('each bring the bytes of their own body, however they are framed and read', async () => {
    const downloads = makeDownloads();
    await using service = await startService((incoming, response) => {
      void answer(downloads[Number(incoming.url!.split('=')[1])]!, response);
    });
    const sentBytes = (): number =>
      [...service.sockets].reduce((sum, { bytesWritten }) => sum + bytesWritten, 0);
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url, RATELIMIT: 'off' } });
    const headers = bearer();
    const ask = async (download: Download): Promise<() => Promise<[number, unknown]>> => {
      const outgoing = get(`${gateway.url}/v1/messages?number=${download.number}`, { headers, agent: false });
      const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
      return () => compare(download, response);
    };
    const late = downloads.filter(({ reader }) => reader === 'late');
    const others = downloads.filter(({ reader }) => reader !== 'late');

    const readLate = await Promise.all(late.map(ask));
    for (let still = 0, sent = 0; still < STILL_TURNS; still = sent === sentBytes() ? still + 1 : 0) {
      sent = sentBytes();
      await turn();
    }
    expect(sentBytes()).toBeLessThan(late.length * LATE_BYTES);
    const outcomes = await Promise.all(others.map(async (download) => (await ask(download))()));
    const lateOutcomes = await Promise.all(readLate.map((read) => read()));

    const expected = ({ reader, framing, body }: Download): [number, unknown] =>
      reader === 'leaving'
        ? [LEAVES_AFTER_BYTES, undefined]
        : [body.length, framing === 'chunks' ? 'whole' : undefined];
    expect(outcomes).toEqual(others.map(expected));
    expect(lateOutcomes).toEqual(late.map(expected));
  }, 60_000);
});
