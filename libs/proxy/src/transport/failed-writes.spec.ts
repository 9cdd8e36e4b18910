import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { startRawService } from '../../../../test/support/service.js';
import { readOnAfterFailedWrites } from './failed-writes.js';

interface Pair extends AsyncDisposable {
  readonly socket: Socket;
  /** The end of the service. */
  readonly service: Socket;
}

/** Opens a real connection. */
async function openPair(): Promise<Pair> {
  const accepted = Promise.withResolvers<Socket>();
  const service = await startRawService(accepted.resolve);
  const socket = connect(service.port, '127.0.0.1');
  return {
    socket,
    service: await accepted.promise,
    async [Symbol.asyncDispose]() {
      socket.destroy();
      await service[Symbol.asyncDispose]();
    },
  };
}

/** Makes each further write of a socket fail. */
function failWrites(socket: Socket): { calls: number } {
  const failing = { calls: 0 };
  socket._write = (_chunk, _encoding, done): void => {
    failing.calls++;
    done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
  };
  socket._writev = (_chunks, done): void => socket._write('', 'latin1', done);
  return failing;
}

const written = (socket: Socket, text: string): Promise<void> =>
  new Promise((resolve) => socket.write(text, () => resolve()));

describe('a connection whose writes fail', () => {
  it('is read to its end', async () => {
    await using pair = await openPair();
    const { socket, service } = pair;
    failWrites(socket);
    const errors: string[] = [];
    readOnAfterFailedWrites(socket, ({ message }) => errors.push(message));

    await written(socket, 'x');
    service.end('a response');
    const texts: string[] = [];
    socket.setEncoding('latin1').on('data', (text: string) => texts.push(text));
    await once(socket, 'end');

    expect([errors, texts]).toEqual([['write EPIPE'], ['a response']]);
  });

  it('discards later writes, and tells the first failure alone', async () => {
    await using pair = await openPair();
    const { socket } = pair;
    const failing = failWrites(socket);
    let errors = 0;
    readOnAfterFailedWrites(socket, () => errors++);

    socket.cork();
    socket.write('x');
    socket.write('y');
    socket.uncork();
    await written(socket, 'z');
    await written(socket, 'z');

    expect([failing.calls, errors, socket.destroyed]).toEqual([1, 1, false]);
  });

  it('writes as before while no write has failed', async () => {
    await using pair = await openPair();
    const { socket, service } = pair;
    let errors = 0;
    readOnAfterFailedWrites(socket, () => errors++);
    const texts: string[] = [];
    service.setEncoding('latin1').on('data', (text: string) => texts.push(text));

    socket.cork();
    socket.write('one, ');
    socket.write('two, ');
    socket.uncork();
    socket.end('caf\xe9', 'latin1');
    await once(service, 'end');

    expect([texts.join(''), errors]).toEqual(['one, two, caf\xe9', 0]);
  });
});
