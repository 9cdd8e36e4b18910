import { ResponseReader } from '../../fuzz/traffic/message-reader.mjs';
import { EVENTS_ROUTE, textOf } from './event-stream.mjs';
import { headOf } from './request-bytes.mjs';

/** A client of event streams, one after another: each must have the events of its service, in order and whole. */
export class StreamClient {
  isDone = false;
  #world;
  #plan;
  #random;
  #opened = 0;

  /** @param plan see `plan.mjs` */
  constructor(world, plan) {
    this.#world = world;
    this.#plan = plan;
    this.#random = world.random.fork(`stream ${plan.id}`);
  }

  start() {
    setTimeout(() => this.#open(), this.#plan.startAt + 1);
  }

  #open() {
    if (this.#opened === this.#plan.streams) {
      this.isDone = true;
      return;
    }
    const { network, gateways, ledger } = this.#world;
    const { session, id: client, network: from } = this.#plan;
    const id = `${client}.${++this.#opened}`;
    const gateway = this.#random.pick(gateways.filter(({ state }) => state === 'up')) ?? gateways[0];
    const [host, port] = gateway.address.split(':');
    const socket = network.connect(
      { host, port, allowHalfOpen: true },
      { from, name: `${client} stream ${this.#opened}` },
    );
    socket.keepArrivals();
    const request = ledger.addRequest({
      id,
      client,
      socket,
      network: from,
      method: 'GET',
      route: EVENTS_ROUTE,
      isRetryable: true,
      isPrivate: true,
      bodyLength: 0,
      gateway: gateway.number,
      life: gateway.life,
      user: session.user,
      tokenId: session.tokenId,
      sessionId: session.sessionId,
    });
    const reader = new ResponseReader(['GET']);
    socket
      .on('data', (bytes) => this.#onData(request, reader, bytes))
      .on('end', () => socket.end())
      .on('error', () => {})
      .on('close', () => this.#onClose(request, reader));
    const head = headOf(request, session.token);
    request.headEnd = request.end = head.length;
    socket.write(head);
  }

  #onData(request, reader, bytes) {
    reader.push(bytes);
    for (let message = reader.next(); message; message = reader.next()) {
      if (!message.isInformational) this.#onResponse(request, message);
    }
    request.isStreaming = reader.openHead?.get('content-type') === 'text/event-stream';
    if (request.isStreaming) this.#world.guarantees.onStreamText(request, textOf(reader.rest));
    if (reader.fault)
      this.#world.ledger.violate('G1', `${request.id} got what is no response: ${reader.fault}`);
  }

  #onResponse(request, message) {
    const { ledger, guarantees } = this.#world;
    guarantees.onResponse(request, message);
    ledger.settle(request, 'response', message.status);
    guarantees.onSettled(request);
    request.socket.end();
  }

  #onClose(request, reader) {
    const { ledger, guarantees } = this.#world;
    if (request.settledAt === undefined) {
      request.isHalf = Boolean(reader.openHead);
      ledger.settle(request, request.socket.isCutByNetwork ? 'cut' : 'closed');
      guarantees.onSettled(request);
    }
    setTimeout(() => this.#open(), this.#random.int(10, 500));
  }
}
