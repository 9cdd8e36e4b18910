import { randomFraction } from '@app/proxy/internal';
import type { Principal } from '@app/auth';
import { BudgetAccount } from './byte-budget.js';
import { CLOSE_REASON, CODE, isRestart, type CloseReason } from './close-reasons.js';
import { MessageRate } from './message-rate.js';
import type { RelayContext } from './relay-context.js';
import { RelayEnd, type RelayEndListener } from './relay-end.js';
import { findStall } from './stalls.js';
import { createCounts, type Closer, type RelayRequest, type RelayRoute } from './relay-record.js';
import type { RelayOptions, UpstreamWebSocket } from './relay-record.js';
import { isRenewal, RelaySession } from './relay-session.js';
import type { LiveRelay } from './relays.js';
import { ResumeBuffer, Resumption } from './resumption.js';

/**
 * Connects a client's socket to an upstream's: messages pass complete and in order, the slower end sets the pace, and
 * when one end closes, the other end gets a close frame.
 *
 * 1. `onMessage`: the relay passes a message on, renews the token with it, or slows a client that exceeds its rate.
 * 2. `onClose`: when one end has closed, the relay closes the other, or
 * 3. `resume`: on routes with `resume`, the relay dials a restarting upstream again, and the client's socket stays open.
 * 4. `finish`: when the client's socket has closed, the relay ends.
 */
export class Relay implements RelayEndListener, LiveRelay {
  slot = -1;
  readonly openedAt = performance.now();
  readonly counts = createCounts();
  readonly route: RelayRoute;
  readonly request: RelayRequest;

  readonly accounts: readonly [client: BudgetAccount, upstream: BudgetAccount];
  private readonly clientEnd: RelayEnd;
  private upstreamEnd: RelayEnd;
  private readonly subprotocol: string;
  private readonly rate: MessageRate;
  private readonly resumeBuffer: ResumeBuffer;
  private readonly resumption: Resumption;
  private readonly session: RelaySession;
  private ended: { readonly code: number; readonly by: Closer } | undefined;
  private nextPingAt: number;

  constructor(
    { route, request, principal, client, upstream }: RelayOptions,
    private readonly context: RelayContext,
  ) {
    const { config, budget, live } = context;
    this.route = route;
    this.request = request;
    const [owner, upstreamOwner] = [request.owner, route.upstreamOwner];
    this.accounts = [new BudgetAccount(budget, owner), new BudgetAccount(budget, upstreamOwner)];
    this.clientEnd = new RelayEnd(client, this.accounts[0], this, config.closeTimeoutMs);
    this.upstreamEnd = this.createUpstreamEnd(upstream);
    this.subprotocol = upstream.subprotocol;
    this.rate = new MessageRate(route.messagesPerSecond);
    this.resumeBuffer = new ResumeBuffer(config.resumeBytes, this.accounts[1]);
    this.resumption = new Resumption(request.dialer, config.resumeMs);
    // At random, so that relays that opened together are not pinged together.
    this.nextPingAt = this.openedAt + config.pingMs * (0.5 + randomFraction() / 2);
    this.upstreamEnd.start();
    live.add(this);
    this.session = new RelaySession(this, context);
    this.session.setPrincipal(principal);
  }

  /** Closes both ends. Later close frames are ignored. */
  close(reason: CloseReason): void {
    if (this.ended) return;
    this.end(reason.code, 'gateway');
    this.clientEnd.close(reason);
    this.upstreamEnd.close({ code: CODE.GOING_AWAY, reason: reason.reason });
  }

  get principal(): Principal | undefined {
    return this.session.principal;
  }

  get isEnded(): boolean {
    return this.ended !== undefined;
  }

  /** Closes both ends if the token has expired, also on routes without `closesAtExpiry`. */
  closeIfExpired(): void {
    if (this.session.isExpired) this.close(CLOSE_REASON.TOKEN_EXPIRED);
  }

  terminate(): void {
    this.end(CODE.BROKEN, 'gateway');
    this.clientEnd.terminate();
    this.upstreamEnd.terminate();
  }

  // :: Step 1
  onMessage(end: RelayEnd, data: Buffer, isBinary: boolean): void {
    if (this.ended) return;
    if (end === this.clientEnd) this.onClientMessage(data, isBinary);
    else this.onUpstreamMessage(data, isBinary);
  }

  private onUpstreamMessage(data: Buffer, isBinary: boolean): void {
    this.counts.messagesOut++;
    this.counts.bytesOut += data.length;
    this.clientEnd.send(data, isBinary, this.upstreamEnd);
  }

  private onClientMessage(data: Buffer, isBinary: boolean): void {
    if (!this.consumeRate()) return;
    if (this.route.closesAtExpiry && isRenewal(data, isBinary)) return void this.renew(data);
    this.counts.messagesIn++;
    this.counts.bytesIn += data.length;
    if (this.upstreamEnd.isOpen) this.sendUpstream(data, isBinary);
    else if (!this.route.resume) this.counts.lost++;
    else if (!this.resumeBuffer.add(data, isBinary)) this.giveUp(1);
  }

  private sendUpstream(data: Buffer, isBinary: boolean): void {
    if (!this.upstreamEnd.send(data, isBinary, this.clientEnd)) this.counts.lost++;
  }

  /** Counts a client's control frames towards its rate, as messages: each costs work, and each ping causes a pong. */
  onControlFrame(end: RelayEnd): boolean {
    return !this.ended && (end !== this.clientEnd || this.consumeRate());
  }

  /** Counts one client message, and closes or slows a client that exceeds its rate. @returns whether the message passes */
  private consumeRate(): boolean {
    const isWithin = this.rate.count();
    if (!this.route.closesFastClients) this.clientEnd.slow(this.rate.waitMs);
    else if (!isWithin) this.close(CLOSE_REASON.TOO_MANY_MESSAGES);
    // A client whose connection broke cannot be slowed: what is left of its messages passes within the rate only.
    return !this.ended && (isWithin || this.clientEnd.isOpen);
  }

  onViolation(end: RelayEnd): number {
    return this.ended || end !== this.clientEnd || this.counts.messagesIn === 0 ? 0 : this.rate.responseMs;
  }

  private async renew(data: Buffer): Promise<void> {
    const response = await this.session.renew(data);
    if (!this.ended) this.clientEnd.sendOwn(response);
  }

  evict(): void {
    this.close(CLOSE_REASON.SERVER_BUFFERS_FULL);
    this.clientEnd.drop();
    this.upstreamEnd.drop();
  }

  // :: Step 2
  onClose(end: RelayEnd, code: number, reason: Buffer, violation: number | undefined): void {
    if (end === this.clientEnd) {
      this.onClientClose(code, reason, violation);
      this.finish();
    } else if (end === this.upstreamEnd) {
      this.onUpstreamClose(code, reason, violation);
    }
  }

  private onClientClose(code: number, reason: Buffer, violation: number | undefined): void {
    if (this.ended) return;
    // If the client broke a rule of the protocol, `ws` has closed it with the code of that rule.
    this.end(violation ?? code, violation === undefined ? 'client' : 'gateway');
    const isBroken = code === CODE.BROKEN || violation !== undefined;
    this.upstreamEnd.close(isBroken ? CLOSE_REASON.CLIENT_GONE : { code, reason });
  }

  private onUpstreamClose(code: number, reason: Buffer, violation: number | undefined): void {
    if (this.ended) return;
    if (isRestart(code)) this.counts.unacknowledged += this.upstreamEnd.messagesUnacknowledged;
    if (violation !== undefined) {
      this.close(CLOSE_REASON.BAD_GATEWAY);
    } else if (!this.clientEnd.isOpen) {
      // The client is closing: its own close code will end the relay.
    } else if (this.route.resume && isRestart(code) && !this.context.live.refusesNew) {
      void this.resume();
    } else {
      this.end(code, 'service');
      this.clientEnd.close(code === CODE.BROKEN ? CLOSE_REASON.RESTART : { code, reason });
    }
  }

  // :: Step 3
  private async resume(): Promise<void> {
    const mayResume = (): boolean => !this.ended && !this.context.live.refusesNew;
    const upstream = await this.resumption.dial(() => {
      this.closeIfExpired();
      return mayResume();
    });
    if (upstream && mayResume()) return this.goOn(upstream);
    upstream?.socket.terminate();
    if (!this.ended) this.giveUp();
  }

  /** Sends the messages of the resume buffer in order, and connects the client to the new upstream end. */
  private goOn(upstream: UpstreamWebSocket): void {
    this.upstreamEnd = this.createUpstreamEnd(upstream);
    if (upstream.subprotocol !== this.subprotocol) {
      this.giveUp();
      return;
    }
    this.counts.resumptions++;
    this.context.metrics.resumed(this.route, 'resumed');
    this.upstreamEnd.start();
    for (const { data, isBinary } of this.resumeBuffer.takeAll()) {
      // The budget may have had no room for an earlier message.
      if (this.ended) this.counts.lost++;
      else this.sendUpstream(data, isBinary);
    }
  }

  /** Closes the client, which must reconnect. @param more lost messages in addition to those of the resume buffer */
  private giveUp(more = 0): void {
    this.counts.lost += more;
    this.context.metrics.resumed(this.route, 'given_up');
    this.close(CLOSE_REASON.RESTART);
  }

  // :: Step 4
  private finish(): void {
    const { live, log, metrics } = this.context;
    this.route.connections.release(this.request.owner);
    this.session.setPrincipal(undefined);
    live.delete(this);
    const { code, by } = this.ended!;
    metrics.closed(this, code, by);
    log.write(this, code, by);
  }

  private createUpstreamEnd({ socket, stream }: UpstreamWebSocket): RelayEnd {
    return new RelayEnd({ socket, stream }, this.accounts[1], this, this.context.config.closeTimeoutMs);
  }

  private end(code: number, by: Closer): void {
    this.ended ??= { code, by };
    this.resumption.abort();
    this.counts.lost += this.resumeBuffer.takeAll().length;
  }

  tick(now: number): void {
    if (this.ended) return;
    const { clientEnd, upstreamEnd, context } = this;
    if (this.route.closesAtExpiry) this.closeIfExpired();
    const reason = findStall(clientEnd, upstreamEnd, now, context.config.stallMs);
    if (reason) this.close(reason);
    else if (!this.ended && now >= this.nextPingAt) {
      this.nextPingAt = now + context.config.pingMs;
      clientEnd.ping();
      upstreamEnd.ping();
    }
  }
}
