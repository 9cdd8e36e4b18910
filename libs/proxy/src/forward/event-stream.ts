import { ChunkQueue } from './chunk-queue.js';
import { EventBoundary } from './event-boundary.js';
import { isSendableId, positionOf } from './event-id.js';

/** Most bytes of an event that wait for its end. A longer event passes as it comes. */
const HALF_EVENT_BYTES = 64 * 1024;

/** UTF-8's mark, which may begin a stream. Elsewhere it would belong to the name of a field. */
const BYTE_ORDER_MARK = Buffer.from('\ufeff');

const EMPTY = Buffer.alloc(0);

/**
 * The body of an event stream on its way to the client, event by event. If the stream can be resumed after a cut, the bytes of
 * an event wait until it is whole: what a cut leaves of it is discarded, because the next instance sends all of it.
 */
export class EventStream {
  /** Bytes that the client was to have. */
  passedBytes = 0;
  /** The id of the last event that passed; empty if what follows it cannot be asked for. */
  lastEventId: string;
  private boundary = new EventBoundary();
  private readonly half = new ChunkQueue();
  /** Whether the event in progress is too long to wait for its end. */
  private isLong = false;
  /** Whether the bytes of a response begin, */
  private isBegin = true;
  /** and whether others have gone to the client before. */
  private isBehindOthers = false;
  /** Whether `pass` has reached the end that `endBehindEvent` asked for. */
  isEnded = false;
  private isEnding = false;

  /**
   * @param isResumable whether events wait until they are whole
   * @param lastEventId that of the request; empty if it has none
   */
  constructor(
    readonly isResumable: boolean,
    lastEventId: string,
  ) {
    this.lastEventId = isSendableId(lastEventId) ? lastEventId : '';
  }

  /** Whether all events that the client has are whole. */
  get isBetweenEvents(): boolean {
    return this.isResumable ? !this.isLong : this.boundary.isBetweenEvents;
  }

  /** Whether bytes of an event wait for its end. */
  get hasHalf(): boolean {
    return this.half.bytes > 0;
  }

  /** Ends the stream behind the event in progress. @returns whether it can end now; if not, `pass` will reach its end */
  endBehindEvent(): boolean {
    this.isEnding = true;
    // The client asks for the event that waits, if it has a position.
    return this.isBetweenEvents && (!this.hasHalf || this.lastEventId !== '');
  }

  /** @param bytes of the service, in memory that is used again @returns the bytes that the client may have now */
  pass(bytes: Buffer): Buffer {
    const passed = this.isResumable ? this.passWhole(bytes) : this.passAll(bytes);
    this.passedBytes += passed.length;
    if (!this.isBegin || passed.length === 0) return passed;
    this.isBegin = false;
    return this.isBehindOthers ? withoutMark(passed) : passed;
  }

  /** The bytes that wait. They are the client's if the service ends its response. */
  takeHalf(): Buffer {
    const half = this.hasHalf ? this.half.whole() : EMPTY;
    this.half.clear();
    return half;
  }

  /** Other bytes than those of the present response have gone to the client. */
  noteOthers(): void {
    this.isBehindOthers = true;
  }

  /** The response of another instance goes on behind `lastEventId`. */
  resume(): void {
    this.half.clear();
    this.boundary = new EventBoundary();
    this.isBegin = this.isBehindOthers = true;
  }

  private passAll(bytes: Buffer): Buffer {
    let end = this.boundary.readEvent(bytes, 0);
    for (; end !== -1; end = this.boundary.readEvent(bytes, end)) {
      if (this.isEnding) return this.endWith(bytes.subarray(0, end));
    }
    return bytes;
  }

  private passWhole(bytes: Buffer): Buffer {
    let end = this.boundary.readEvent(bytes, 0);
    if (end === -1) return this.hold(bytes);
    const before = this.half.bytes;
    const all = before > 0 ? Buffer.concat([this.takeHalf(), bytes]) : bytes;
    let passed = 0;
    for (; end !== -1; end = this.boundary.readEvent(bytes, end)) {
      this.finishEvent(all.subarray(passed, before + end), this.isBegin && passed === 0);
      passed = before + end;
      if (this.isEnding) return this.endWith(all.subarray(0, passed));
    }
    const isRestHeld = this.hold(all.subarray(passed)).length === 0;
    return isRestHeld ? all.subarray(0, passed) : all;
  }

  /** Lets the bytes of an event wait. @returns those that may pass: none, or all if the event is too long */
  private hold(bytes: Buffer): Buffer {
    if (this.isLong) return bytes;
    if (bytes.length > 0) this.half.push(Buffer.from(bytes));
    if (this.half.bytes <= HALF_EVENT_BYTES) return EMPTY;
    this.isLong = true;
    return this.takeHalf();
  }

  /** @param isFirst whether a byte order mark before it belongs to the response, and not to its first field */
  private finishEvent(event: Buffer, isFirst: boolean): void {
    if (this.isLong) {
      // Only its last bytes are here.
      this.isLong = false;
      this.lastEventId = '';
      return;
    }
    const { id, hasData } = positionOf((isFirst ? withoutMark(event) : event).toString('latin1'));
    // Whether an event without an id comes again behind the last id, only the service knows.
    if (id !== undefined) this.lastEventId = isSendableId(id) ? id : '';
    else if (hasData) this.lastEventId = '';
  }

  private endWith(bytes: Buffer): Buffer {
    this.isEnded = true;
    return bytes;
  }
}

function withoutMark(bytes: Buffer): Buffer {
  const hasMark = bytes.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK);
  return hasMark ? bytes.subarray(BYTE_ORDER_MARK.length) : bytes;
}
