import { Socket } from 'node:net';
import { READ_BYTES } from './direction.mjs';
import { currentProcess } from './process.mjs';

/** An error as the operating system gives it to Node. */
export function systemError(code, call) {
  return Object.assign(new Error(`${call} ${code}`), { code, syscall: call });
}

/** Stands for a reset behind bytes that were not read. */
const RESET = Symbol('reset');

/** The share of reads that take what has arrived later too. */
const JOIN_SHARE = 0.5;

/**
 * One end of a simulated TCP connection, as Node's `Socket`: the network carries its bytes in virtual time. It has the
 * behaviour that the product relies on: back-pressure, half-closed connections, resets for bytes that nobody reads,
 * `onread`, and timeouts by virtual time.
 */
export class SimulatedSocket extends Socket {
  /** The other end; undefined until the connection stands. */
  otherEnd;
  /** Whether this end has sent its end. */
  hasEnded = false;
  isReset = false;
  resetsOnDestroy = false;
  /** What has arrived and was not read: bytes, `null` for the end, and `RESET`. */
  #arrived = [];
  #arrivedBytes = 0;
  #wantsBytes = false;
  #counts = { read: 0, written: 0 };
  #timeoutMs = 0;
  #timer;
  #transmission;
  #onread;

  /** @param address `{ remoteAddress, remotePort }` */
  constructor(transmission, id, { allowHalfOpen = false, onread, process, address }) {
    super({ allowHalfOpen });
    this.id = id;
    this.process = process;
    this.#transmission = transmission;
    this.#onread = onread;
    const counts = this.#counts;
    // Node's own are getters that ask a handle.
    Object.defineProperties(this, {
      bytesRead: { get: () => counts.read },
      bytesWritten: { get: () => counts.written },
      remoteAddress: { get: () => address.remoteAddress },
      remotePort: { get: () => address.remotePort },
      connecting: { value: false, writable: true },
    });
  }

  setNoDelay() {
    return this;
  }

  setKeepAlive() {
    return this;
  }

  ref() {
    return this;
  }

  unref() {
    return this;
  }

  setTimeout(ms, listener) {
    this.#timeoutMs = ms;
    if (listener && ms > 0) this.once('timeout', listener);
    else if (listener) this.off('timeout', listener);
    this.#touch();
    return this;
  }

  resetAndDestroy() {
    this.resetsOnDestroy = true;
    return this.destroy();
  }

  /** Bytes that have arrived and that Node has not read. */
  get arrivedBytes() {
    return this.#arrivedBytes;
  }

  /** Remembers from now on when bytes that this end sends arrive. */
  keepArrivals() {
    this.out.arrivals = [];
  }

  /** When so many bytes of this end had arrived; undefined if they have not. */
  arrivedAt(bytes) {
    return this.out.arrivals.find(([count]) => count >= bytes)?.[1];
  }

  /** Whether bytes would be lost if this end were destroyed now: then TCP resets the connection. */
  get hasUnreadBytes() {
    return this.#arrivedBytes > 0;
  }

  /** The network brings bytes, or `null` for the end. */
  arrive(item) {
    if (this.destroyed) return;
    this.#arrived.push(item);
    this.#arrivedBytes += item?.length ?? 0;
    currentProcess.run(this.process, () => this.#deliver());
  }

  /**
   * The other end, or the network, has reset the connection.
   * @param isFirst whether bytes are lost that were not read. Otherwise they are read before it, and only a write shows it sooner
   */
  receiveReset(isFirst) {
    if (this.isReset) return;
    this.isReset = true;
    currentProcess.run(this.process, () => {
      if (isFirst || this.#arrived.length === 0) {
        this.destroy(systemError('ECONNRESET', 'read'));
        return;
      }
      this.#arrived.push(RESET);
      this.#transmission.dropWrites(this);
    });
  }

  /** Reads from now on, as Node does once a connection stands. */
  startReading() {
    if (this.#onread) this._read();
  }

  resume() {
    this.startReading();
    return super.resume();
  }

  _read() {
    if (this.#wantsBytes) return;
    this.#wantsBytes = true;
    // In a later turn, as bytes of the kernel come: never while a reader is in the middle of others.
    if (this.#arrived.length > 0) setImmediate(() => this.#deliver());
  }

  _write(chunk, encoding, done) {
    this.#send(toBuffer(chunk, encoding), done);
  }

  _writev(chunks, done) {
    this.#send(Buffer.concat(chunks.map(({ chunk, encoding }) => toBuffer(chunk, encoding))), done);
  }

  _final(done) {
    if (this.connecting) {
      this.once('connect', () => this._final(done));
      return;
    }
    this.hasEnded = true;
    this.#transmission.sendEnd(this);
    done();
  }

  _destroy(error, done) {
    clearTimeout(this.#timer);
    this.#timeoutMs = 0;
    this.#transmission.onDestroyed(this);
    done(error);
    process.nextTick(() => this.emit('close', Boolean(error)));
  }

  #send(bytes, done) {
    if (this.connecting) {
      this.once('connect', () => this.#send(bytes, done));
    } else if (this.isReset) {
      done(systemError('EPIPE', 'write'));
    } else {
      this.#counts.written += bytes.length;
      this.#touch();
      this.#transmission.send(this, bytes, done);
    }
  }

  #deliver() {
    while (this.#wantsBytes && this.#arrived.length > 0 && !this.destroyed) {
      const item = this.#next();
      if (item === RESET) {
        this.destroy(systemError('ECONNRESET', 'read'));
        return;
      }
      if (item === null) {
        this.#wantsBytes = false;
        this.push(null);
        this.read(0);
        return;
      }
      this.#arrivedBytes -= item.length;
      this.#counts.read += item.length;
      this.#touch();
      this.#transmission.onRead(this);
      this.#wantsBytes = this.#take(item);
    }
  }

  /** What is read next: one arrival, or several that are joined. */
  #next() {
    const arrived = this.#arrived;
    const item = arrived.shift();
    if (!Buffer.isBuffer(item)) return item;
    const parts = [item];
    let { length } = item;
    while (
      Buffer.isBuffer(arrived[0]) &&
      length + arrived[0].length <= READ_BYTES &&
      this.random.chance(JOIN_SHARE)
    ) {
      const [part] = arrived.splice(0, 1);
      parts.push(part);
      length += part.length;
    }
    return parts.length === 1 ? item : Buffer.concat(parts);
  }

  /** @returns whether more may come at once */
  #take(bytes) {
    if (!this.#onread) return this.push(bytes);
    bytes.copy(this.#onread.buffer);
    return this.#onread.callback.call(this, bytes.length) !== false;
  }

  #touch() {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#timeoutMs > 0 && !this.destroyed) {
      this.#timer = setTimeout(() => this.emit('timeout'), this.#timeoutMs);
    }
  }
}

const toBuffer = (chunk, encoding) => (typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk);
