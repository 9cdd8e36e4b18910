/**
 * A request with `Expect: 100-continue`: its client sends the head, and the body once it is told to, or when it has waited long
 * enough (RFC 9110, section 10.1.1).
 */
export class Expectation {
  /** Whether the client waits to be told. */
  isWaiting = true;
  #world;
  #request;
  #hasContinue = false;
  #goOn;

  constructor(world, request) {
    this.#world = world;
    this.#request = request;
  }

  /** @returns whether to send the body: it is told to, or has waited; not after a response */
  async wait(ms) {
    const sends = new Promise((resolve) => {
      this.#goOn = (isTold) => {
        if (isTold) this.isWaiting = false;
        resolve(isTold);
      };
    });
    const timer = setTimeout(() => this.#goOn(true), ms);
    await sends;
    clearTimeout(timer);
    return sends;
  }

  onContinue() {
    if (this.#hasContinue) this.#violate('G1', `${this.#request.id} was told twice to go on`);
    this.#hasContinue = true;
    this.#goOn?.(true);
  }

  /** The final response. A connection whose client still has the body is of no further use. */
  onResponse({ status, text }) {
    const { id } = this.#request;
    if (this.isWaiting) {
      if (status === 408) this.#violate('G9', `${id} was never told to send its body`);
      if (!/(?:^|\r\n)connection: close/i.test(text))
        this.#violate('G1', `${id} got ${status} before its body, and its connection serves on`);
    }
    this.#goOn?.(false);
  }

  /** The connection is closed. */
  stop() {
    this.#goOn?.(false);
  }

  #violate(guarantee, text) {
    this.#world.ledger.violate(guarantee, text);
  }
}
