import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { AuthenticationException, type Principal } from '@app/auth';
import type { Ticking } from '@app/proxy';
import type { WebSocket } from 'ws';
import { BROKEN, CLOSE, codeOfViolation, isRestart, NO_CODE } from './close-codes.js';
import { KeptMessages } from './kept-messages.js';
import type { RelayServices } from './relay.services.js';
import { isRenewal, renewalFailed, renewed, tokenOf } from './renewal.js';
import type { ServiceConnection, ServiceHandshake } from './service-dialer.js';
import { Side, type SideListener } from './side.js';
import type { WebSocketRoute } from './websocket-route.js';

/** Who ended a relay. */
export type Closer = 'client' | 'service' | 'gateway';

/** What a relay counts. */
export interface RelayCounts {
  /** From the client. */
  messagesIn: number;
  bytesIn: number;
  /** To the client. */
  messagesOut: number;
  bytesOut: number;
  resumptions: number;
  /** Messages written to a service's connection that broke before it proved that they arrived. */
  inDoubt: number;
  /** Messages of the client that were given up. */
  lost: number;
}

/** What a relay remembers of the request that opened it. */
export interface RelayOrigin {
  readonly requestId: string;
  readonly clientAddress: string;
  /** As it may stand in a log line. */
  readonly path: string;
  /** Whose share of the route's connections it takes. */
  readonly holder: string;
  readonly handshake: ServiceHandshake;
}

/** Pings without an answer after which a peer is gone. */
const MISSED_PONGS = 2;

/** Milliseconds between two tries to reach a service that went away: the first, doubled each time, and the most. */
const FIRST_WAIT_MS = 50;
const LONGEST_WAIT_MS = 2_000;

/**
 * Joins a client's socket to a service's: messages pass whole and in order, the slower side sets the pace, and each
 * side hears of the other's end by a close frame.
 *
 * 1. `onMessage`: a message passes, or is for the gateway, or is one too many.
 * 2. `onClose`: the side that ended takes the other with it; or
 * 3. `resume`: a service that restarts is waited for, where the route says so, and the client's socket stays.
 * 4. `finish`: the client's socket is gone, and with it the relay.
 */
export class Relay implements SideListener, Ticking {
  readonly openedAt = performance.now();
  readonly counts: RelayCounts = {
    messagesIn: 0,
    bytesIn: 0,
    messagesOut: 0,
    bytesOut: 0,
    resumptions: 0,
    inDoubt: 0,
    lost: 0,
  };

  private readonly client: Side;
  private service: Side;
  private readonly subprotocol: string;
  private readonly kept: KeptMessages;
  private principal: Principal | undefined;
  private ended: { readonly code: number; readonly by: Closer } | undefined;
  /** Set while a service is waited for; aborting it gives up. */
  private resumption: AbortController | undefined;
  private nextPingAt: number;
  private allowance: number;
  private allowanceAt = performance.now();

  constructor(
    client: WebSocket,
    stream: Socket,
    connection: ServiceConnection,
    readonly route: WebSocketRoute,
    readonly origin: RelayOrigin,
    principal: Principal | undefined,
    private readonly services: RelayServices,
  ) {
    const { config, budget, live } = services;
    this.client = this.createSide(client, stream);
    this.service = this.createSide(connection.socket, connection.stream);
    this.subprotocol = connection.subprotocol;
    this.kept = new KeptMessages(config.resumeBytes, budget);
    this.allowance = route.messagesPerSecond * 2;
    // Not all at once where many came at once.
    this.nextPingAt = this.openedAt + config.pingMs * (0.5 + Math.random() / 2);
    connection.socket.resume();
    live.add(this, stream);
    this.setPrincipal(principal);
  }

  /** Closes both sides. The first code counts: whatever follows from it is no news. */
  close(code: number, reason: string): void {
    if (this.ended) return;
    this.end(code, 'gateway');
    this.client.close(code, reason);
    this.service.close(CLOSE.GOING_AWAY, reason);
  }

  /** Ends both connections without a word. */
  terminate(): void {
    this.end(BROKEN, 'gateway');
    this.client.terminate();
    this.service.terminate();
  }

  // :: Step 1
  onMessage(side: Side, data: Buffer, isBinary: boolean): void {
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
    if (!this.isWithinRate()) {
      this.close(CLOSE.POLICY_VIOLATION, 'too many messages');
    } else if (this.route.closesAtExpiry && isRenewal(data, isBinary)) {
      void this.renew(data);
    } else {
      this.counts.messagesIn++;
      this.counts.bytesIn += data.length;
      if (this.service.isOpen) this.service.send(data, isBinary, this.client);
      else if (!this.route.resume) this.counts.lost++;
      else if (!this.kept.add(data, isBinary)) this.giveUp(1);
    }
  }

  /** Pings count as messages do: each is work, and an answer that somebody must read. */
  onPing(side: Side): void {
    if (side === this.client && !this.ended && !this.isWithinRate()) {
      this.close(CLOSE.POLICY_VIOLATION, 'too many messages');
    }
  }

  /** A token bucket: the route's rate, and twice as much at once. */
  private isWithinRate(): boolean {
    const { messagesPerSecond } = this.route;
    const now = performance.now();
    const earned = ((now - this.allowanceAt) / 1000) * messagesPerSecond;
    this.allowance = Math.min(messagesPerSecond * 2, this.allowance + earned);
    this.allowanceAt = now;
    if (this.allowance < 1) return false;
    this.allowance--;
    return true;
  }

  private async renew(data: Buffer): Promise<void> {
    try {
      const token = tokenOf(data);
      if (token === undefined) throw new AuthenticationException('invalid_format');
      const principal = await this.services.authenticator.principalFor(token);
      if (principal.userId !== this.principal?.userId) throw new AuthenticationException('invalid_token');
      if (this.ended) return;
      this.setPrincipal(principal);
      this.origin.handshake.headers['Authorization'] = `Bearer ${token}`;
      this.client.say(renewed(principal.expiresAt));
    } catch (error) {
      if (!this.ended) this.client.say(renewalFailed((error as Error).message));
    }
  }

  onOverBudget(): void {
    this.close(CLOSE.TRY_AGAIN_LATER, 'no room');
  }

  // :: Step 2
  onClose(side: Side, code: number, reason: Buffer, violation: number | undefined): void {
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
    if (code === BROKEN || violation !== undefined) this.service.close(CLOSE.GOING_AWAY, 'client gone');
    else if (code === NO_CODE) this.service.close();
    else this.service.close(code, reason);
  }

  private onServiceClose(code: number, reason: Buffer, violation: number | undefined): void {
    if (this.ended) return;
    if (isRestart(code)) this.counts.inDoubt += this.service.messagesInDoubt;
    const { live } = this.services;
    if (violation !== undefined) {
      this.end(CLOSE.BAD_GATEWAY, 'service');
      this.client.close(CLOSE.BAD_GATEWAY, 'bad gateway');
    } else if (!this.client.isOpen) {
      // The client is leaving by itself; its own code counts.
    } else if (this.route.resume && isRestart(code) && !live.isDraining) {
      void this.resume();
    } else {
      this.end(code, 'service');
      if (code === BROKEN) this.client.close(CLOSE.SERVICE_RESTART, 'service restart');
      else if (code === NO_CODE) this.client.close();
      else this.client.close(code, reason);
    }
  }

  // :: Step 3
  private async resume(): Promise<void> {
    const { config, dialer } = this.services;
    const { signal } = (this.resumption = new AbortController());
    const until = performance.now() + config.resumeMs;
    for (let wait = FIRST_WAIT_MS; ; wait = Math.min(wait * 2, LONGEST_WAIT_MS)) {
      // At random, so that the clients of a service do not all come back at once.
      await delay(wait * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => {});
      if (this.ended) return;
      if (performance.now() > until) {
        this.giveUp();
        return;
      }
      if (this.isExpired()) {
        this.close(CLOSE.TOKEN_EXPIRED, 'token expired');
        return;
      }
      const answer = await dialer.dial(this.route, this.origin.handshake, signal).catch(() => undefined);
      if (answer === undefined) continue;
      if ('socket' in answer) {
        this.rejoin(answer);
        return;
      }
      if (answer.response.statusCode! < 500) {
        this.giveUp();
        return;
      }
    }
  }

  /** Sends on, in order, what waited, and all that follows. */
  private rejoin(connection: ServiceConnection): void {
    this.resumption = undefined;
    if (this.ended) {
      connection.socket.terminate();
      return;
    }
    this.service = this.createSide(connection.socket, connection.stream);
    if (connection.subprotocol !== this.subprotocol) {
      this.giveUp();
      return;
    }
    this.counts.resumptions++;
    this.services.metrics.resumed(this.route, 'joined');
    connection.socket.resume();
    for (const { data, isBinary } of this.kept.take()) this.service.send(data, isBinary, this.client);
  }

  /** The client must come back by itself. @param more messages that were lost beside those that waited */
  private giveUp(more = 0): void {
    this.counts.lost += more;
    this.services.metrics.resumed(this.route, 'given_up');
    this.close(CLOSE.SERVICE_RESTART, 'service restart');
  }

  // :: Step 4
  private finish(): void {
    const { live, log, metrics } = this.services;
    this.route.connections.giveBack(this.origin.holder);
    this.setPrincipal(undefined);
    live.delete(this);
    const { code, by } = this.ended!;
    metrics.closed(this, code, by);
    log.write(this, code, by);
  }

  private end(code: number, by: Closer): void {
    this.ended ??= { code, by };
    this.resumption?.abort();
    this.counts.lost += this.kept.drop();
  }

  /** Pings, counts missed answers, and looks at the clocks. */
  tick(now: number): void {
    if (this.ended) return;
    const { stallMs, pingMs } = this.services.config;
    if (this.client.isHeldLonger(now, stallMs)) this.close(CLOSE.TRY_AGAIN_LATER, 'service does not read');
    else if (this.service.isHeldLonger(now, stallMs))
      this.close(CLOSE.TRY_AGAIN_LATER, 'client does not read');
    else if (this.route.closesAtExpiry && this.isExpired()) this.close(CLOSE.TOKEN_EXPIRED, 'token expired');
    else if (now >= this.nextPingAt) {
      this.nextPingAt = now + pingMs;
      this.client.ping(MISSED_PONGS);
      this.service.ping(MISSED_PONGS);
    }
  }

  private isExpired(): boolean {
    return this.principal !== undefined && this.principal.expiresAt * 1000 <= Date.now();
  }

  private setPrincipal(principal: Principal | undefined): void {
    this.services.live.index(this, principal?.tokenId, this.principal?.tokenId);
    this.principal = principal;
  }

  private createSide(socket: WebSocket, stream: Socket): Side {
    return new Side(socket, stream, this.services.budget, this, codeOfViolation);
  }
}
