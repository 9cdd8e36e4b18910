import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { onread, ReadBuffer } from './read-buffer.js';

const LARGE = 64 * 1024;

/** A copy of a read of so many such bytes, as whoever parses it gets. */
const copy = (byte: number, length = LARGE): Buffer => ReadBuffer.copyOf(Buffer.alloc(length, byte));

describe('the memory of a large read', () => {
  it('has the bytes of the read', () => {
    expect(copy(7, 40_000)).toEqual(Buffer.alloc(40_000, 7));
  });

  it('is used again once it is parsed and nobody else needs it, and not before', () => {
    const first = copy(1);
    const read = ReadBuffer.of(first.subarray(100, 200))!;
    read.hold();
    read.hold();

    read.release();
    read.release();
    const second = copy(2);
    expect(second.buffer).not.toBe(first.buffer);
    expect(first).toEqual(Buffer.alloc(LARGE, 1));

    read.release();
    expect(copy(3).buffer).toBe(first.buffer);
  });

  it('is kept for its next use up to a bound', () => {
    const copies = Array.from({ length: 100 }, () => copy(0));
    for (const each of copies) ReadBuffer.of(each)!.release();

    const again = new Set(Array.from({ length: 100 }, () => copy(0).buffer));

    expect(copies.filter(({ buffer }) => again.has(buffer))).toHaveLength(64);
  });

  it('is not that of other chunks', () => {
    expect(ReadBuffer.of(Buffer.alloc(LARGE))).toBeUndefined();
    expect(ReadBuffer.of(Buffer.from('small'))).toBeUndefined();
  });
});

describe('a connection that reads so', () => {
  it('is a stream as any other: pauses, whole bytes in order, an end', async () => {
    const sent = Buffer.from(Uint32Array.from({ length: 1_000_000 }, (_, index) => index).buffer);
    const server = createServer((socket) => socket.end(sent)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const sockets: Socket[] = [];
    const read = async (): Promise<Buffer> => {
      const socket = connect({ port, host: '127.0.0.1', onread });
      sockets.push(socket);
      const chunks: Buffer[] = [];
      for await (const chunk of socket) chunks.push(chunk as Buffer);
      return Buffer.concat(chunks);
    };

    // Side by side, since all of them read into the same memory first.
    const received = await Promise.all(Array.from({ length: 5 }, read));

    expect(received.map((bytes) => bytes.equals(sent))).toEqual([true, true, true, true, true]);
    expect(sockets.map(({ bytesRead }) => bytesRead)).toEqual(Array.from({ length: 5 }, () => sent.length));
    server.close();
  });
});
