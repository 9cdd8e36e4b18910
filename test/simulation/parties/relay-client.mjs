import { closePayload, frame, FrameReader, OPCODE } from '../../fuzz/traffic/frames.mjs';
import { ResponseReader } from '../../fuzz/traffic/message-reader.mjs';

/** A client of a WebSocket: sends numbered messages, and checks those of the service. */
export class RelayClient {
  isDone = false;
  #world;
  #plan;
  #random;
  #socket;
  #relay;
  #reader;
  #frames;
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
    this.#onFrames(this.#frames.push(this.#reader.rest));
  }

  async #talk() {
    for (let number = 1; number <= this.#plan.messages; number++) {
      await new Promise((resolve) => setTimeout(resolve, this.#random.int(0, this.#plan.pauseMs)));
      if (this.#socket.destroyed || this.#hasSentClose || this.#relay.closeCode !== undefined) return;
      this.#relay.sent = number;
      const padding = 'x'.repeat(
        this.#random.chance(0.1) ? this.#random.int(1_000, 60_000) : this.#random.int(0, 100),
      );
      this.#send(OPCODE.TEXT, Buffer.from(`c ${this.#plan.id} ${number} ${padding}`));
    }
    // What is on its way comes back before.
    await new Promise((resolve) => setTimeout(resolve, 500));
    this.#close(1000, 'done');
  }

  #onFrames(frames) {
    if (this.#frames.violation)
      this.#violate('G12', `relay ${this.#plan.id} got a broken frame: ${this.#frames.violation}`);
    for (const { opcode, payload } of frames) {
      if (opcode === OPCODE.PING) this.#send(OPCODE.PONG, payload);
      else if (opcode === OPCODE.CLOSE) this.#onCloseFrame(payload);
      else if (opcode === OPCODE.TEXT) this.#onMessage(payload.toString());
    }
  }

  #onMessage(text) {
    const [kind, id, number] = text.split(' ');
    if (kind !== 's' || id !== this.#plan.id) {
      this.#violate('G3', `relay ${this.#plan.id} got a message of ${id}`);
      return;
    }
    if (Number(number) <= this.#relay.lastReceived) {
      this.#violate('G12', `relay ${id} got message ${number} behind ${this.#relay.lastReceived}`);
    }
    this.#relay.lastReceived = Number(number);
    this.#relay.received++;
  }

  #onCloseFrame(payload) {
    this.#relay.closeCode = payload.length >= 2 ? payload.readUInt16BE(0) : 1005;
    if (!this.#hasSentClose) this.#relay.isClosedByGateway = true;
    if (!this.#hasSentClose) this.#close(this.#relay.closeCode === 1005 ? 1000 : this.#relay.closeCode, '');
    this.#socket.end();
  }

  #close(code, reason) {
    if (this.#hasSentClose || this.#socket.destroyed) return;
    this.#send(OPCODE.CLOSE, closePayload(code, reason));
    this.#hasSentClose = true;
  }

  #send(opcode, payload) {
    // Masks are zero: they are no part of what is shown.
    if (!this.#hasSentClose && this.#socket.writable)
      this.#socket.write(frame(opcode, payload, { mask: Buffer.alloc(4) }));
  }

  #onClose() {
    const { ledger } = this.#world;
    this.isDone = true;
    Object.assign(this.#relay, {
      closedAt: ledger.now,
      isCut: this.#socket.isCutByNetwork,
      hasSentClose: this.#hasSentClose,
    });
    this.#world.trace.note(`relay ${this.#plan.id}`, `closed ${this.#relay.closeCode ?? this.#relay.status}`);
    this.#world.guarantees.onRelayClosed(this.#relay);
    this.#world.expiry.onRelayClosed(this.#relay);
  }

  #violate(guarantee, text) {
    this.#world.ledger.violate(guarantee, text);
  }
}
