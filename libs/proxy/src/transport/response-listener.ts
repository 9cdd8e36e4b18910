import type { ResponseHead } from './response-head.js';

/** Receives the parts of one response, in this order. It may stop the parser in each of them. */
export interface ResponseListener {
  /** A response before the response, with a status from 100 to 199, but not 101. */
  onInterim(head: ResponseHead): void;
  onHead(head: ResponseHead): void;
  /** @param bytes memory that is used again when the call has returned @param isLast whether `onEnd` is next */
  onBody(bytes: Buffer, isLast: boolean): void;
  /** @param trailers name, value, name, value */
  onEnd(trailers: readonly string[]): void;
  /**
   * The response is a 101, and the connection speaks another protocol from now on. Default: a 101 is invalid, since the
   * request has not asked for it.
   * @param early bytes behind the head, which are of that protocol
   */
  onUpgrade?(head: ResponseHead, early: Buffer): void;
}
