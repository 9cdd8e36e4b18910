import { currentProcess } from './process.mjs';
import { systemError } from './socket.mjs';

/** Bytes that one direction of a connection holds before its writer must wait: both kernels' buffers together. */
const WINDOW_BYTES = 64 * 1024;

/** Bytes of a segment: a kernel waits for room for one (RFC 9293, section 3.8.6.2.1). */
const SEGMENT_BYTES = 1_460;

/** The share of writes that arrive in two parts. */
const SPLIT_SHARE = 0.3;

/** The share of resets that overtake the bytes before them, which are lost. The others arrive behind them. */
const OVERTAKING_SHARE = 0.5;

/**
 * Carries what the ends of a connection send: bytes in order, late, split or joined, ends and resets. A connection may be reset at
 * any byte, or stall.
 */
export class Transmission {
  #sockets;
  #clock;
  #startsAt;
  #trace;

  /** @param sockets those that are open; one that is destroyed is taken out */
  constructor({ clock, trace, sockets }) {
    this.#clock = clock;
    this.#startsAt = clock.time;
    this.#trace = trace;
    this.#sockets = sockets;
  }

  send(socket, bytes, done) {
    // A copy: the writer may use the memory again.
    socket.out.writes.push({ bytes: Buffer.from(bytes), done });
    this.#pump(socket);
  }

  sendEnd(socket) {
    this.#later(socket, () => {
      if (socket.out.isLost || socket.otherEnd.isReset) return;
      this.#trace.note(socket.id, 'ends');
      socket.otherEnd.arrive(null);
    });
  }

  /** Node has read bytes of this end: there is room for more. */
  onRead(socket) {
    const { otherEnd } = socket;
    if (otherEnd && !otherEnd.destroyed) this.#pump(otherEnd);
  }

  /** Resets a connection now, as a machine between both ends may. */
  cut(socket) {
    this.#trace.note(socket.id, 'is cut');
    for (const end of [socket, socket.otherEnd]) {
      if (!end || end.destroyed) continue;
      end.isCutByNetwork = true;
      end.receiveReset(end.random.chance(OVERTAKING_SHARE));
    }
  }

  /** Lets nothing of one end arrive for a while. */
  stall(socket, ms) {
    this.#trace.note(socket.id, `stalls for ${ms} ms`);
    socket.out.stalledUntil = this.#clock.time + ms;
  }

  onDestroyed(socket) {
    this.#sockets.delete(socket);
    const { otherEnd } = socket;
    this.dropWrites(socket);
    if (!otherEnd || otherEnd.destroyed || socket.isReset) return;
    if (socket.resetsOnDestroy || socket.hasUnreadBytes) this.#resetOther(socket);
    else if (!socket.hasEnded) {
      socket.hasEnded = true;
      this.sendEnd(socket);
    }
  }

  /** Writes that wait for room are never sent. */
  dropWrites({ out }) {
    for (const { done } of out.writes.splice(0)) done(systemError('ECONNRESET', 'write'));
  }

  #resetOther(socket) {
    const { out } = socket;
    if (out.hasSentReset) return;
    out.hasSentReset = true;
    out.isLost = socket.random.chance(OVERTAKING_SHARE);
    this.#later(socket, () => {
      const { otherEnd } = socket;
      if (otherEnd.destroyed) return;
      this.#trace.note(otherEnd.id, 'gets a reset');
      otherEnd.receiveReset(out.isLost);
    });
  }

  #pump(socket) {
    const { out, otherEnd, random } = socket;
    while (out.writes.length > 0) {
      const [first] = out.writes;
      const room = WINDOW_BYTES - out.bytesOnTheWay - otherEnd.arrivedBytes;
      if (room < Math.min(first.bytes.length, SEGMENT_BYTES)) return;
      let length = Math.min(room, first.bytes.length);
      if (length > 1 && random.chance(SPLIT_SHARE)) length = random.int(1, length - 1);
      const isCut = out.bytesSent + length > out.resetAfter;
      if (isCut) length = out.resetAfter - out.bytesSent;
      this.#carry(socket, first.bytes.subarray(0, length));
      first.bytes = first.bytes.subarray(length);
      if (isCut) {
        out.resetAfter = Infinity;
        this.#later(socket, () => this.cut(socket));
      }
      if (first.bytes.length > 0) continue;
      out.writes.shift();
      currentProcess.run(socket.process, first.done);
    }
  }

  #carry(socket, bytes) {
    if (bytes.length === 0) return;
    const { out, random } = socket;
    out.bytesSent += bytes.length;
    out.bytesOnTheWay += bytes.length;
    const arrival = out.join(bytes, random);
    const { parts } = arrival;
    arrival.timer = this.#later(socket, () => {
      if (out.last === arrival) out.last = undefined;
      this.#bring(socket, parts.length === 1 ? bytes : Buffer.concat(parts));
    });
    out.last = arrival;
  }

  #bring(socket, bytes) {
    const { out, otherEnd } = socket;
    out.bytesOnTheWay -= bytes.length;
    if (out.isLost || otherEnd.isReset) return;
    this.#trace.note(socket.id, `brings ${bytes.length} bytes`);
    out.bytesArrived += bytes.length;
    out.arrivals?.push([out.bytesArrived, this.#clock.time - this.#startsAt]);
    // Nobody is there to read them: TCP answers with a reset.
    if (otherEnd.destroyed) this.#resetOther(otherEnd);
    else otherEnd.arrive(bytes);
  }

  /** Runs when what a socket sends now arrives. */
  #later(socket, run) {
    const { out } = socket;
    const { time } = this.#clock;
    out.last = undefined;
    out.lastArrival = Math.max(out.lastArrival, out.stalledUntil, time + socket.latencyMs);
    return setTimeout(() => run(), out.lastArrival - time);
  }
}
