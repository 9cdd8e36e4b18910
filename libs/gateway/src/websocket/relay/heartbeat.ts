import type { WebSocket } from 'ws';

/** Pings without any byte in response after which an end counts as gone. */
const UNANSWERED_PINGS = 2;

/** Pings an end, and knows by its pongs which messages have arrived there. */
export class Heartbeat {
  private messagesSent = 0;
  /** Value of `messagesSent` at the latest ping whose pong has arrived. */
  private messagesAcknowledged = 0;
  /** Pings since bytes last arrived. */
  private pingsUnanswered = 0;

  constructor(private readonly socket: WebSocket) {}

  countMessage(): void {
    this.messagesSent++;
  }

  /** Messages passed to the socket since the last acknowledged ping. */
  get messagesUnacknowledged(): number {
    return this.messagesSent - this.messagesAcknowledged;
  }

  /** Call when bytes have arrived, or when a pause ends, since pongs may wait in the kernel. */
  setAlive(): void {
    this.pingsUnanswered = 0;
  }

  /**
   * Sends a ping.
   * @param isRead whether the end is read. Otherwise the ping only tells the end that the gateway is there
   * @returns false, and sends none, if too many pings were unanswered
   */
  ping(isRead: boolean): boolean {
    if (isRead && this.pingsUnanswered >= UNANSWERED_PINGS) return false;
    if (isRead) this.pingsUnanswered++;
    // The pong repeats this number, and so acknowledges the messages sent before the ping.
    this.socket.ping(String(this.messagesSent));
    return true;
  }

  /** Handles a pong. @returns whether a ping is due for it */
  acknowledge(payload: Buffer): boolean {
    const count = Number(payload.toString('latin1'));
    if (count > this.messagesAcknowledged && count <= this.messagesSent) this.messagesAcknowledged = count;
    // `setAlive` was called when the chunk before arrived: 0 here means that no ping was sent since.
    return this.pingsUnanswered > 0;
  }
}
