import { closePayload, frame, FrameReader, OPCODE } from '../../fuzz/traffic/frames.mjs';
import { ResponseReader } from '../../fuzz/traffic/message-reader.mjs';
import { Fragments, framesOf, pauseOnce } from './relay-messages.mjs';

/** Masks are zero: they are no part of what is shown. */
const MASKED = { mask: Buffer.alloc(4) };

/** A client of a WebSocket: sends messages, and gets those of the service. */
export class RelayClient {
  isDone = false;
  #world;
  #plan;
  #random;
  #socket;
  #relay;
  #reader;
  #frames;
  #fragments = new Fragments();
  #hasSentClose = false;
  #handshakeBytes = 0;

  /** @param plan see `plan.mjs` */
  constructor(world, plan) {
    this.#world = world;
    this.#plan = plan;
    this.#random = world.random.fork(`relay ${plan.id}`);
  }

  start() {
    setTimeout(() => this.#open(), this.#plan.startAt + 1);
  }

  #open() {
    const { network, gateways, ledger } = this.#world;
    const { id, session, route, faults } = this.#plan;
    const gateway = this.#random.pick(gateways.filter(({ state }) => state === 'up')) ?? gateways[0];
    const [host, port] = gateway.address.split(':');
    this.#socket = network.connect(
      { host, port, allowHalfOpen: true },
      { from: this.#plan.network, name: id, faults },
    );
    this.#relay = ledger.addRelay({ id, gateway: gateway.number, life: gateway.life, route, ...session });
    this.#socket.keepArrivals();
    this.#relay.socket = this.#socket;
    this.#relay.deliveredAt = () => this.#socket.arrivedAt(this.#handshakeBytes);
    this.#reader = new ResponseReader(['GET']);
    this.#socket
      .on('data', (bytes) => this.#onData(bytes))
      .on('end', () => this.#socket.end())
      .on('error', () => {})
      .on('close', () => this.#onClose());
    const handshake = Buffer.from(
      [
        `GET ${route}?sim=${id} HTTP/1.1`,
        'Host: simulation',
        'Connection: Upgrade',
        'Upgrade: websocket',
        'Sec-WebSocket-Version: 13',
        'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
        `Authorization: Bearer ${session.token}`,
        '\r\n',
      ].join('\r\n'),
    );
    this.#handshakeBytes = handshake.length;
    this.#socket.write(handshake);
  }

  #onData(bytes) {
    if (this.#frames) {
      this.#onFrames(this.#frames.push(bytes));
      return;
    }
    this.#reader.push(bytes);
    const message = this.#reader.next();
    if (this.#reader.fault)
      this.#violate('G1', `relay ${this.#plan.id} got no response: ${this.#reader.fault}`);
    if (!message || message.isInformational) return;
    this.#relay.status = message.status;
    if (message.status !== 101) {
      this.#socket.end();
      return;
    }
    this.#relay.isOpen = true;
    this.#relay.openedAt = this.#world.ledger.now;
    this.#frames = new FrameReader(false);
    void this.#talk();
    if (this.#random.chance(this.#world.scenario.silentClients ?? 0)) this.#fallSilent();
    this.#relay.hasPaused ||= pauseOnce(this.#socket, this.#random, this.#world.scenario.relayPauses);
    this.#onFrames(this.#frames.push(this.#reader.rest));
  }

  /** Reads on, and sends nothing more, as a client whose network is gone. */
  #fallSilent() {
    setTimeout(
      () => {
        if (!this.#hasSentClose) this.#relay.silentAt = this.#world.ledger.now;
      },
      this.#random.int(0, 3_000),
    );
  }

  async #talk() {
    for (let left = this.#plan.messages; left > 0; left--) {
      await new Promise((resolve) => setTimeout(resolve, this.#random.int(0, this.#plan.pauseMs)));
      const isOver = this.#hasSentClose || this.#relay.silentAt !== undefined;
      if (this.#socket.destroyed || isOver || this.#relay.closeCode !== undefined) return;
      const message = this.#relay.toService.create(this.#random, this.#world.scenario.messages);
      this.#write(framesOf(message, this.#random, MASKED));
    }
    // What is on its way comes back before.
    await new Promise((resolve) => setTimeout(resolve, 500));
    this.#close(1000, 'done');
  }

  #onFrames(frames) {
    if (this.#frames.violation)
      this.#violate('G12', `relay ${this.#plan.id} got a broken frame: ${this.#frames.violation}`);
    for (const each of frames) {
      const { opcode, payload } = each;
      if (opcode === OPCODE.PING) this.#send(OPCODE.PONG, payload);
      else if (opcode === OPCODE.CLOSE) this.#onCloseFrame(payload);
      const message = this.#fragments.push(each);
      if (message) this.#world.guarantees.onMessage(this.#relay, 'toClient', message);
    }
  }

  #onCloseFrame(payload) {
    this.#relay.closeCode = payload.length >= 2 ? payload.readUInt16BE(0) : 1005;
    if (!this.#hasSentClose) this.#relay.isClosedByGateway = true;
    if (!this.#hasSentClose) this.#close(this.#relay.closeCode === 1005 ? 1000 : this.#relay.closeCode, '');
    this.#socket.end();
  }

  #close(code, reason) {
    if (this.#hasSentClose || this.#socket.destroyed || this.#relay.silentAt !== undefined) return;
    this.#send(OPCODE.CLOSE, closePayload(code, reason));
    this.#hasSentClose = this.#relay.hasSentClose = true;
  }

  #send(opcode, payload) {
    this.#write(frame(opcode, payload, MASKED));
  }

  #write(bytes) {
    const isSilent = this.#relay.silentAt !== undefined;
    if (!this.#hasSentClose && !isSilent && this.#socket.writable) this.#socket.write(bytes);
  }

  #onClose() {
    const { ledger } = this.#world;
    this.isDone = true;
    Object.assign(this.#relay, {
      closedAt: ledger.now,
      isCut: this.#socket.isCutByNetwork,
    });
    this.#world.trace.note(`relay ${this.#plan.id}`, `closed ${this.#relay.closeCode ?? this.#relay.status}`);
    this.#world.guarantees.onRelayClosed(this.#relay);
  }

  #violate(guarantee, text) {
    this.#world.ledger.violate(guarantee, text);
  }
}
