import { createHash } from 'node:crypto';
import { closePayload, frame, FrameReader, OPCODE } from '../../fuzz/traffic/frames.mjs';

/** Of RFC 6455, section 1.3. */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** A service's end of a WebSocket: checks the numbers of the client's messages, and sends its own. */
export class ServiceRelay {
  #world;
  #socket;
  #relay;
  #random;
  #frames = new FrameReader(true);
  #hasSentClose = false;
  #isRefused = false;
  #timer;

  constructor(world, { socket, message, id, random }) {
    this.#world = world;
    this.#socket = socket;
    socket.otherEnd.isRelay = true;
    this.#random = random;
    this.#relay = world.ledger.relays.get(id);
    if (!this.#relay) world.ledger.violate('G3', `a handshake that no client has sent: ${id}`);
    if (this.#relay) this.#relay.requestId = message.get('x-request-id');
    world.guarantees.onHandshake(this.#relay);
    world.expiry.onHandshake(this.#relay);
    if (random.chance(world.scenario.refusedHandshakes ?? 0)) this.#refuse();
    else this.#accept(message.get('sec-websocket-key'));
  }

  push(bytes) {
    if (bytes.length === 0 || this.#isRefused) return;
    for (const { opcode, payload } of this.#frames.push(bytes)) {
      if (opcode === OPCODE.PING) this.#send(OPCODE.PONG, payload);
      else if (opcode === OPCODE.CLOSE) this.#onCloseFrame(payload);
      else if (opcode === OPCODE.TEXT) this.#onMessage(payload.toString());
    }
    if (this.#frames.violation) {
      this.#world.ledger.violate('G12', `a service got a broken frame: ${this.#frames.violation}`);
      this.#socket.destroy();
    }
  }

  close(code, reason) {
    if (this.#hasSentClose || this.#isRefused) {
      this.#socket.end();
      return;
    }
    this.#send(OPCODE.CLOSE, closePayload(code, reason));
    this.#hasSentClose = true;
  }

  onEnd() {
    this.#socket.end();
  }

  onClose() {
    clearTimeout(this.#timer);
  }

  #refuse() {
    this.#isRefused = true;
    const [status, body] = [this.#random.pick(['403 Forbidden', '503 Busy']), 'refused'];
    this.#socket.write(`HTTP/1.1 ${status}\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    this.#socket.end();
  }

  #accept(key) {
    const accept = createHash('sha1')
      .update(key + GUID)
      .digest('base64');
    this.#socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
    this.#talk();
  }

  #talk() {
    this.#timer = setTimeout(
      () => {
        if (this.#hasSentClose || this.#socket.destroyed) return;
        const number = ++this.#relay.serviceSent;
        this.#send(OPCODE.TEXT, Buffer.from(`s ${this.#relay.id} ${number}`));
        if (this.#random.chance(this.#world.scenario.serviceCloses ?? 0))
          this.close(this.#random.pick([1000, 1011, 1012]), 'service');
        this.#talk();
      },
      this.#random.int(5, 400),
    );
  }

  #onMessage(text) {
    const [kind, id, number] = text.split(' ');
    const relay = this.#relay;
    if (kind !== 'c' || id !== relay.id) {
      this.#world.ledger.violate('G3', `the service of relay ${relay.id} got a message of ${id}`);
    } else if (Number(number) <= relay.lastDelivered) {
      this.#world.ledger.violate(
        'G12',
        `relay ${id}: the service got message ${number} behind ${relay.lastDelivered}`,
      );
    }
    relay.lastDelivered = Number(number);
    relay.delivered++;
  }

  #onCloseFrame(payload) {
    if (!this.#hasSentClose) this.close(payload.length >= 2 ? payload.readUInt16BE(0) : 1000, '');
    this.#socket.end();
  }

  #send(opcode, payload) {
    if (!this.#hasSentClose && this.#socket.writable) this.#socket.write(frame(opcode, payload));
  }
}
