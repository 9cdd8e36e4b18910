import type { Socket } from 'node:net';
import type { OpeningSocket } from './dial.js';
import type { ResponseHead } from './response-head.js';
import type { ResponseListener } from './response-listener.js';
import { ResponseParser } from './response-parser.js';
import { ConnectionClosedError, InvalidResponseError } from './transport-errors.js';

/** Most bytes of a refusal's body. The rest is not read. */
const BODY_LIMIT_BYTES = 64 * 1024;

/** Receives the outcome of an upgrade: one call of one method. */
export interface UpgradeListener {
  /**
   * The service speaks the other protocol from now on.
   * @param socket paused, without listeners of the call
   * @param early bytes that the service sent right behind its 101
   */
  onUpgrade(head: ResponseHead, socket: Socket, early: Buffer): void;
  /** The service has refused, with a status from 300 on. @param body its first 64 KiB */
  onRefusal(head: ResponseHead, body: Buffer): void;
  /** @param isConnected whether the connection was open before */
  onError(error: Error, isConnected: boolean): void;
}

/** A request that asks for another protocol, over a connection of its own. It has no timeout but that of the connection. */
export class UpgradeCall implements ResponseListener {
  private readonly socket: Socket;
  private readonly parser: ResponseParser;
  private isConnected = false;
  private refusal: ResponseHead | undefined;
  private readonly body: Buffer[] = [];
  /** Bytes of the body that may still come. */
  private left = BODY_LIMIT_BYTES;

  /** @param head the request, each character one byte @param headLimitBytes most bytes of the response's head */
  constructor(
    { socket, openEvent }: OpeningSocket,
    private readonly head: string,
    headLimitBytes: number,
    private readonly listener: UpgradeListener,
  ) {
    this.socket = socket;
    this.parser = new ResponseParser(headLimitBytes);
    this.parser.expect(this, false);
    socket
      .once(openEvent, this.onOpen)
      .on('data', this.onData)
      .once('end', this.onSocketEnd)
      .on('error', this.fail)
      .once('close', this.onClose);
  }

  /** Ends the call and its connection. @param error for the listener */
  cancel(error: Error): void {
    this.fail(error);
  }

  /** Interim responses have no meaning for an upgrade. */
  onInterim(): void {}

  onHead(head: ResponseHead): void {
    if (head.status < 300) throw new InvalidResponseError(`status ${head.status} for an upgrade`);
    this.refusal = head;
  }

  onBody(bytes: Buffer): void {
    // No copy: the bytes of `data` are not used again.
    this.body.push(bytes.subarray(0, this.left));
    this.left -= bytes.length;
    if (this.left <= 0) this.onEnd();
  }

  onEnd(): void {
    this.close();
    this.listener.onRefusal(this.refusal!, Buffer.concat(this.body));
  }

  onUpgrade(head: ResponseHead, early: Buffer): void {
    this.release();
    this.socket.pause();
    this.listener.onUpgrade(head, this.socket, early);
  }

  private readonly onOpen = (): void => {
    this.isConnected = true;
    this.socket.write(this.head, 'latin1');
  };

  private readonly onData = (bytes: Buffer): void => {
    try {
      this.parser.read(bytes, bytes.length);
    } catch (error) {
      this.fail(error as Error);
    }
  };

  private readonly onSocketEnd = (): void => {
    if (!this.parser.end()) this.fail(new ConnectionClosedError());
  };

  private readonly onClose = (): void => this.fail(new ConnectionClosedError());

  private readonly fail = (error: Error): void => {
    this.close();
    this.listener.onError(error, this.isConnected);
  };

  private close(): void {
    this.release();
    this.socket.destroy();
  }

  /** The connection outlives the call, which must not stay in memory with it. */
  private release(): void {
    this.parser.stop();
    this.socket
      .off('connect', this.onOpen)
      .off('secureConnect', this.onOpen)
      .off('data', this.onData)
      .off('end', this.onSocketEnd)
      .off('error', this.fail)
      .off('close', this.onClose);
  }
}
