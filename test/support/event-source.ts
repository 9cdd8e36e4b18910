import { request, type IncomingMessage } from 'node:http';

/** Milliseconds before a client comes back, until a server says otherwise. */
const RETRY_MS = 100;

/**
 * A client of event streams (HTML standard, section 9.2): comes back with the id of its last event, after the time that the
 * server gave, when its stream ends or breaks, and never after another status than 200.
 */
export class EventSourceClient implements Disposable {
  /** The ids of the events that it has got, in order. */
  readonly ids: string[] = [];
  /** Requests that it has made. */
  connects = 0;
  /** Ends of its streams that were no clean ends. */
  breaks = 0;
  /** What it has got that is no event stream, or no event of the service. */
  readonly faults: string[] = [];
  private lastEventId = '';
  private retryMs = RETRY_MS;
  private buffer = '';
  private timer: NodeJS.Timeout | undefined;
  private response: IncomingMessage | undefined;
  private isClosed = false;
  private waiting: (() => void) | undefined;

  constructor(private readonly url: string) {
    this.connect();
  }

  /** Resolves once it has an event of this number, or a fault. */
  async until(id: number): Promise<void> {
    while (Number(this.lastEventId) < id && this.faults.length === 0) {
      await new Promise<void>((resolve) => (this.waiting = resolve));
    }
  }

  [Symbol.dispose](): void {
    this.isClosed = true;
    clearTimeout(this.timer);
    this.response?.destroy();
  }

  private connect(): void {
    if (this.isClosed) return;
    this.connects++;
    this.buffer = '';
    const headers = {
      Accept: 'text/event-stream',
      ...(this.lastEventId !== '' && { 'Last-Event-ID': this.lastEventId }),
    };
    const sent = request(this.url, { agent: false, headers }, (response) => this.onResponse(response));
    sent.on('error', () => this.comeBack(false)).end();
  }

  private onResponse(response: IncomingMessage): void {
    this.response = response;
    const { statusCode, headers } = response;
    if (statusCode !== 200 || headers['content-type'] !== 'text/event-stream') {
      this.addFault(`status ${statusCode}`);
      response.destroy();
      return;
    }
    response.setEncoding('utf8').on('data', (text: string) => this.read(text));
    response.on('error', () => {}).once('close', () => this.comeBack(response.complete));
  }

  private comeBack(isClean: boolean): void {
    if (this.isClosed || this.faults.length > 0) return;
    if (!isClean) this.breaks++;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.connect(), this.retryMs);
  }

  private read(text: string): void {
    const events = (this.buffer + text).split('\n\n');
    this.buffer = events.pop()!;
    for (const event of events) this.dispatch(event);
  }

  private dispatch(event: string): void {
    const fields = new Map<string, string>();
    for (const line of event.split('\n')) {
      const [name = ''] = line.split(':', 1);
      if (name !== '') fields.set(name, line.slice(name.length + 1).trimStart());
    }
    const retry = fields.get('retry');
    if (retry !== undefined) this.retryMs = Number(retry);
    const [id, data] = [fields.get('id'), fields.get('data')];
    if (id === undefined) return;
    if (data !== `event ${id}`) this.addFault(`the event ${JSON.stringify(event)}`);
    this.lastEventId = id;
    this.ids.push(id);
    this.waiting?.();
  }

  private addFault(fault: string): void {
    this.faults.push(fault);
    this.waiting?.();
  }
}
