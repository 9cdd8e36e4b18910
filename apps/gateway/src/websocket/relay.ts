import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { AuthenticationException, type Principal } from '@app/auth';
import type { WebSocket } from 'ws';
import type { BudgetAccount } from './byte-budget.js';
import { CLOSE_REASON, CODE, isRestart, type CloseReason } from './close-reasons.js';
import { ResumeBuffer } from './resume-buffer.js';
import { MessageRate } from './message-rate.js';
import { createCounts, type Closer } from './relay-counts.js';
import type { RelayContext } from './relay-context.js';
import { isRenewal, renewalFailed, renewed, tokenOf } from './renewal.js';
import type { LiveRelay } from './relays.js';
import type { RelayRequest } from './relay-record.js';
import type { UpstreamWebSocket } from './upstream-websocket.js';
import { RelayEnd } from './relay-end.js';
import type { RelayEndListener } from './relay-end-listener.js';
import type { WebSocketRoute } from './websocket-route.js';

/** Milliseconds between two tries to reach a service that went away: the first, doubled each time, and the most. */
const FIRST_WAIT_MS = 50;
const LONGEST_WAIT_MS = 2_000;

/** Milliseconds after which a service that came back counts as being there. */
const ACKNOWLEDGED_MS = 5_000;

/**
 * Joins a client's socket to a service's: messages pass whole and in order, the slower side sets the pace, and each
 * side hears of the other's end by a close frame.
 *
 * 1. `onMessage`: a message passes, or is for the gateway, or is one too many.
 * 2. `onClose`: the side that ended takes the other with it; or
 * 3. `resume`: a service that restarts is waited for, where the route says so, and the client's socket stays.
 * 4. `finish`: the client's socket is gone, and with it the relay.
 */
export class Relay implements RelayEndListener<RelayEnd>, LiveRelay {
  slot = -1;
  readonly openedAt = performance.now();
  readonly counts = createCounts();

  readonly accounts: readonly [client: BudgetAccount, service: BudgetAccount];
  private readonly client: RelayEnd;
  private service: RelayEnd;
  private readonly subprotocol: string;
  private readonly rate: MessageRate;
  private readonly resumeBuffer: ResumeBuffer;
  private owner: Principal | undefined;
  private ended: { readonly code: number; readonly by: Closer } | undefined;
  /** Set while a service is waited for; aborting it gives up. */
  private resumption: AbortController | undefined;
  /** `performance.now()` until when it is waited for, and how long before the next try. */
  private interruption = { until: 0, waitMs: FIRST_WAIT_MS };
  private acknowledgedAt = 0;
  private nextPingAt: number;

  /** @param stream the client's connection */
  constructor(
    client: WebSocket,
    stream: Socket,
    connection: UpstreamWebSocket,
    readonly route: WebSocketRoute,
    readonly request: RelayRequest,
    principal: Principal | undefined,
    private readonly context: RelayContext,
  ) {
    const { config, budget, live } = context;
    // An upstream by its object: a user may have any name.
    this.accounts = [
      { holder: request.holder, heldBytes: 0 },
      { holder: route.row.proxy, heldBytes: 0 },
    ];
    this.client = new RelayEnd(
      { socket: client, stream },
      budget,
      this.accounts[0],
      this,
      config.closeTimeoutMs,
    );
    this.service = this.createServiceSide(connection);
    this.subprotocol = connection.subprotocol;
    this.rate = new MessageRate(route.messagesPerSecond);
    this.resumeBuffer = new ResumeBuffer(config.resumeBytes, budget, this.accounts[1]);
    // Not all at once where many came at once.
    this.nextPingAt = this.openedAt + config.pingMs * (0.5 + Math.random() / 2);
    connection.socket.resume();
    live.add(this, stream);
    this.setPrincipal(principal);
  }

  /** Closes both sides. The first closure counts: whatever follows from it is no news. */
  close({ code, reason }: CloseReason): void {
    if (this.ended) return;
    this.end(code, 'gateway');
    this.client.close(code, reason);
    this.service.close(CODE.GOING_AWAY, reason);
  }

  /** Whose token opened it, or renewed it; undefined on routes that ask for none. */
  get principal(): Principal | undefined {
    return this.owner;
  }

  /** Closes both sides if the token has expired, whatever the route says. */
  closeIfExpired(): void {
    if (this.isExpired()) this.close(CLOSE_REASON.TOKEN_EXPIRED);
  }

  /** Ends both connections without a word. */
  terminate(): void {
    this.end(CODE.BROKEN, 'gateway');
    this.client.terminate();
    this.service.terminate();
  }

  // :: Step 1
  onMessage(side: RelayEnd, data: Buffer, isBinary: boolean): void {
    if (this.ended) return;
    if (side === this.client) this.onClientMessage(data, isBinary);
    else this.onServiceMessage(data, isBinary);
  }

  private onServiceMessage(data: Buffer, isBinary: boolean): void {
    this.counts.messagesOut++;
    this.counts.bytesOut += data.length;
    this.client.send(data, isBinary, this.service);
  }

  private onClientMessage(data: Buffer, isBinary: boolean): void {
    if (!this.isWithinRate()) return;
    if (this.route.closesAtExpiry && isRenewal(data, isBinary)) {
      void this.renew(data);
      return;
    }
    this.counts.messagesIn++;
    this.counts.bytesIn += data.length;
    if (this.service.isOpen) this.service.send(data, isBinary, this.client);
    else if (!this.route.resume) this.counts.lost++;
    else if (!this.resumeBuffer.add(data, isBinary)) this.giveUp(1);
  }

  /** A client's count as messages do: each is work, and a ping an answer that somebody must read. */
  onControlFrame(side: RelayEnd): boolean {
    return !this.ended && (side !== this.client || this.isWithinRate());
  }

  /** Whether a client may send one more; otherwise it is closed. */
  private isWithinRate(): boolean {
    if (this.rate.tryConsume()) return true;
    this.close(CLOSE_REASON.TOO_MANY_MESSAGES);
    return false;
  }

  private async renew(data: Buffer): Promise<void> {
    try {
      const token = tokenOf(data);
      if (token === undefined) throw new AuthenticationException('invalid_format');
      const principal = await this.context.authenticator.verify(token);
      if (principal.userId !== this.owner?.userId) throw new AuthenticationException('invalid_token');
      if (this.ended) return;
      this.setPrincipal(principal);
      this.request.handshake.headers['Authorization'] = `Bearer ${token}`;
      this.client.sendOwn(renewed(principal.expiresAt));
    } catch (error) {
      const message = error instanceof AuthenticationException ? error.message : 'Renewal failed';
      if (!this.ended) this.client.sendOwn(renewalFailed(message));
    }
  }

  onOverBudget(): void {
    this.evict();
  }

  evict(): void {
    this.close(CLOSE_REASON.NO_ROOM);
    this.client.drop();
    this.service.drop();
  }

  // :: Step 2
  onClose(side: RelayEnd, code: number, reason: Buffer, violation: number | undefined): void {
    if (side === this.client) {
      this.onClientClose(code, reason, violation);
      this.finish();
    } else if (side === this.service) {
      this.onServiceClose(code, reason, violation);
    }
  }

  private onClientClose(code: number, reason: Buffer, violation: number | undefined): void {
    if (this.ended) return;
    // What a client did wrong, `ws` has told it with the code.
    this.end(violation ?? code, violation === undefined ? 'client' : 'gateway');
    const isBroken = code === CODE.BROKEN || violation !== undefined;
    if (isBroken) this.service.close(CLOSE_REASON.CLIENT_GONE.code, CLOSE_REASON.CLIENT_GONE.reason);
    else this.service.close(code, reason);
  }

  private onServiceClose(code: number, reason: Buffer, violation: number | undefined): void {
    if (this.ended) return;
    if (isRestart(code)) this.counts.unacknowledged += this.service.messagesUnacknowledged;
    const { live } = this.context;
    if (violation !== undefined) {
      this.close(CLOSE_REASON.BAD_GATEWAY);
    } else if (!this.client.isOpen) {
      // The client is leaving by itself; its own code counts.
    } else if (this.route.resume && isRestart(code) && !live.refusesMore) {
      void this.resume();
    } else {
      this.end(code, 'service');
      if (code === CODE.BROKEN)
        this.client.close(CLOSE_REASON.SERVICE_RESTART.code, CLOSE_REASON.SERVICE_RESTART.reason);
      else this.client.close(code, reason);
    }
  }

  // :: Step 3
  private async resume(): Promise<void> {
    const { config, dialer } = this.context;
    const { signal } = (this.resumption = new AbortController());
    const begun = performance.now();
    // A connection that ended at once was no return: the same outage goes on.
    if (begun > this.acknowledgedAt)
      this.interruption = { until: begun + config.resumeMs, waitMs: FIRST_WAIT_MS };
    const { interruption } = this;
    for (;;) {
      // At random, so that the clients of a service do not all come back at once.
      await delay(interruption.waitMs * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => {});
      interruption.waitMs = Math.min(interruption.waitMs * 2, LONGEST_WAIT_MS);
      const leftMs = interruption.until - performance.now();
      if (this.ended) return;
      if (this.isExpired()) return this.close(CLOSE_REASON.TOKEN_EXPIRED);
      if (leftMs <= 0) return this.giveUp();
      const answer = await dialer
        .dial(this.route, this.request.handshake, signal, leftMs)
        .catch(() => undefined);
      if (answer === undefined) continue;
      if ('socket' in answer) return this.redial(answer);
      if (answer.response.statusCode! < 500) return this.giveUp();
    }
  }

  /** Sends on, in order, what waited, and all that follows. */
  private redial(connection: UpstreamWebSocket): void {
    this.resumption = undefined;
    if (this.ended) {
      connection.socket.terminate();
      return;
    }
    this.acknowledgedAt = performance.now() + ACKNOWLEDGED_MS;
    this.service = this.createServiceSide(connection);
    if (connection.subprotocol !== this.subprotocol) {
      this.giveUp();
      return;
    }
    this.counts.resumptions++;
    this.context.metrics.resumed(this.route, 'joined');
    connection.socket.resume();
    for (const { data, isBinary } of this.resumeBuffer.shift()) {
      // One of them may have been one too many.
      if (this.ended) this.counts.lost++;
      else this.service.send(data, isBinary, this.client);
    }
  }

  /** The client must come back by itself. @param more messages that were lost beside those that waited */
  private giveUp(more = 0): void {
    this.counts.lost += more;
    this.context.metrics.resumed(this.route, 'given_up');
    this.close(CLOSE_REASON.SERVICE_RESTART);
  }

  // :: Step 4
  private finish(): void {
    const { live, log, metrics } = this.context;
    this.route.connections.release(this.request.holder);
    this.setPrincipal(undefined);
    live.delete(this);
    const { code, by } = this.ended!;
    metrics.closed(this, code, by);
    log.write(this, code, by);
  }

  private createServiceSide(connection: UpstreamWebSocket): RelayEnd {
    const { budget, config } = this.context;
    return new RelayEnd(connection, budget, this.accounts[1], this, config.closeTimeoutMs);
  }

  private end(code: number, by: Closer): void {
    this.ended ??= { code, by };
    this.resumption?.abort();
    this.counts.lost += this.resumeBuffer.shift().length;
  }

  /** Pings, counts missed answers, and looks at the clocks. */
  tick(now: number): void {
    if (this.ended) return;
    const { stallMs, pingMs } = this.context.config;
    const { client, service } = this;
    if (client.isPausedLonger(now, stallMs)) {
      this.close(client.isPausedByItself ? CLOSE_REASON.CLIENT_STALLED : CLOSE_REASON.SERVICE_STALLED);
    } else if (service.isPausedLonger(now, stallMs)) {
      this.close(service.isPausedByItself ? CLOSE_REASON.SERVICE_STALLED : CLOSE_REASON.CLIENT_STALLED);
    } else if (client.isTooSlow(now, stallMs) || service.isTooSlow(now, stallMs))
      this.close(CLOSE_REASON.MESSAGE_STALLED);
    else if (this.route.closesAtExpiry && this.isExpired()) this.close(CLOSE_REASON.TOKEN_EXPIRED);
    else if (now >= this.nextPingAt) {
      this.nextPingAt = now + pingMs;
      this.client.ping();
      this.service.ping();
    }
  }

  private isExpired(): boolean {
    return this.owner !== undefined && this.context.authenticator.isExpired(this.owner);
  }

  private setPrincipal(principal: Principal | undefined): void {
    this.context.live.index(this, principal, this.owner);
    this.owner = principal;
  }
}
