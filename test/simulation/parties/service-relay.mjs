import { createHash } from 'node:crypto';
import { closePayload, frame, FrameReader, OPCODE } from '../../fuzz/traffic/frames.mjs';
import { Fragments, framesOf, pauseOnce } from './relay-messages.mjs';

/** Of RFC 6455, section 1.3. */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** A service's end of a WebSocket: gets the client's messages, and sends its own. */
export class ServiceRelay {
  #world;
  #socket;
  #relay;
  #random;
  #frames = new FrameReader(true);
  #fragments = new Fragments();
  #hasSentClose = false;
  #isRefused = false;
  #timer;
  #silentTimer;
  /** The stage in which the gateway waits for this end. */
  wait;

  constructor(world, { socket, message, id, random }) {
    this.#world = world;
    this.#socket = socket;
    socket.otherEnd.isRelay = true;
    this.#random = random;
    this.#relay = world.ledger.relays.get(id);
    if (!this.#relay) world.ledger.violate('G3', `a handshake that no client has sent: ${id}`);
    if (this.#relay) this.#relay.requestId = message.get('x-request-id');
    this.#relay?.serviceSockets.push(socket);
    world.guarantees.onHandshake(this.#relay);
    const { refusedHandshakes = 0, hungHandshakes = 0, silentServices = 0 } = world.scenario;
    if (random.chance(silentServices))
      this.#silentTimer = setTimeout(() => this.#fallSilent(), random.int(0, 3_000));
    if (random.chance(hungHandshakes)) this.#hang();
    else if (random.chance(refusedHandshakes)) this.#refuse();
    else this.#accept(message.get('sec-websocket-key'));
  }

  push(bytes) {
    if (bytes.length === 0 || this.#isRefused) return;
    for (const each of this.#frames.push(bytes)) {
      const { opcode, payload } = each;
      if (opcode === OPCODE.PING) this.#send(OPCODE.PONG, payload);
      else if (opcode === OPCODE.CLOSE) this.#onCloseFrame(payload);
      const message = this.#fragments.push(each);
      if (message) this.#world.guarantees.onMessage(this.#relay, 'toService', message);
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
    clearTimeout(this.#silentTimer);
  }

  /** Takes the handshake, and does not respond. */
  #hang() {
    this.#isRefused = true;
    this.#await('handshake');
  }

  /** Reads on, and sends nothing more, as a process that hangs. */
  #fallSilent() {
    if (!this.#isRefused && !this.#hasSentClose) this.#await('pong');
  }

  #await(stage) {
    this.wait = { stage, since: this.#world.ledger.now, id: this.#relay.id };
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
    this.#relay.hasPaused ||= pauseOnce(this.#socket, this.#random, this.#world.scenario.relayPauses);
  }

  #talk() {
    this.#timer = setTimeout(
      () => {
        if (this.#hasSentClose || this.wait || this.#socket.destroyed) return;
        const message = this.#relay.toClient.create(this.#random, this.#world.scenario.messages);
        this.#write(framesOf(message, this.#random));
        if (this.#random.chance(this.#world.scenario.serviceCloses ?? 0))
          this.close(this.#random.pick([1000, 1011, 1012]), 'service');
        this.#talk();
      },
      this.#random.int(5, 400),
    );
  }

  #onCloseFrame(payload) {
    if (!this.#hasSentClose) this.close(payload.length >= 2 ? payload.readUInt16BE(0) : 1000, '');
    this.#socket.end();
  }

  #send(opcode, payload) {
    this.#write(frame(opcode, payload));
  }

  #write(bytes) {
    const isSilent = this.wait !== undefined;
    if (!this.#hasSentClose && !isSilent && this.#socket.writable) this.#socket.write(bytes);
  }
}
