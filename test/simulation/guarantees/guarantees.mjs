import { Drain } from './drain.mjs';
import { Expiry } from './expiry.mjs';
import { Limits } from './limits.mjs';
import { Memory } from './memory.mjs';
import { Messages } from './messages.mjs';
import { Overload } from './overload.mjs';
import { Relays } from './relays.mjs';
import { Requests } from './requests.mjs';
import { Responses } from './responses.mjs';
import { Rest } from './rest.mjs';
import { Retries } from './retries.mjs';
import { Revocation } from './revocation.mjs';
import { Streams } from './streams.mjs';
import { Waits } from './waits.mjs';

/** Checks the guarantees of `docs/guarantees.md` against what the ledger has: parties call it as things happen. */
export class Guarantees {
  #requests;
  #responses;
  #revocation;
  #expiry;
  #limits;
  #drain;
  #overload;
  #memory;
  #rest;
  #retries;
  #relays;
  #streams;
  #messages;
  #waits;

  constructor(world) {
    this.#requests = new Requests(world);
    this.#responses = new Responses(world);
    this.#revocation = new Revocation(world);
    this.#expiry = new Expiry(world);
    this.#limits = new Limits(world);
    this.#drain = new Drain(world);
    this.#overload = new Overload(world);
    this.#memory = new Memory(world);
    this.#rest = new Rest(world);
    this.#retries = new Retries(world);
    this.#relays = new Relays(world);
    this.#streams = new Streams(world, this.#expiry);
    this.#messages = new Messages(world);
    this.#waits = new Waits(world);
  }

  /** A service has the head of a request. */
  onHead(request, arrival, head) {
    if (!request) return;
    this.#requests.onHead(request, arrival, head);
    this.#revocation.onHead(request);
    this.#expiry.onHead(request);
  }

  /** A client has a whole response. */
  onResponse(request, message) {
    this.#responses.onResponse(request, message);
    this.#limits.onResponse(request, message);
    this.#expiry.onResponse(request, message);
    this.#overload.onResponse(request, message);
    this.#streams.onResponse(request, message);
  }

  /** A request has its outcome. */
  onSettled(request) {
    this.#responses.onSettled(request);
    this.#drain.onSettled(request);
    this.#streams.onSettled(request);
  }

  /** Some of an event stream has come, or its head alone. */
  onStreamText(request, text) {
    this.#streams.onText(request, text);
  }

  /** A service has the handshake of a relay. */
  onHandshake(relay) {
    if (!relay) return;
    this.#revocation.onHandshake(relay);
    this.#expiry.onHandshake(relay);
  }

  /** A message of a relay has arrived. @param direction `toService` or `toClient` @param message `{ isBinary, content }` */
  onMessage(relay, direction, message) {
    this.#messages.onMessage(relay, direction, message);
  }

  /** The connection of a relay's client is closed. */
  onRelayClosed(relay) {
    this.#drain.onRelayClosed(relay);
    this.#relays.onClosed(relay);
    this.#expiry.onRelayClosed(relay);
  }

  /** A gateway has logged the end of a relay. */
  onRelayLine(relay, line) {
    this.#relays.onLine(relay, line);
  }

  /** Looks at what can be seen at any moment. */
  watch() {
    this.#memory.watch();
    this.#waits.watch();
    this.#revocation.watch();
    this.#expiry.watch();
    this.#overload.watch();
  }

  /** All clients have their outcomes, and the gateways are at rest. */
  checkRest() {
    this.#rest.checkRest();
    this.#retries.checkRest();
    this.#limits.checkRest();
  }

  /** Every gateway knows every revocation that Redis has. */
  async checkRevocations() {
    await this.#revocation.checkRest();
  }

  /** All gateways have ended. */
  checkEnd() {
    this.#drain.checkEnd();
    this.#rest.checkEnd();
  }
}
