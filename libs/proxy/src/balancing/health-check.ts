import { formatRequestHead } from '../transport/request-head.js';
import type { ResponseHead } from '../transport/response-head.js';
import type { CallConnection, UpstreamCall, UpstreamRequest } from '../transport/upstream-call.js';

/** The part of an instance that a health check uses. */
export interface CheckedInstance {
  readonly host: string;
  dispatchFresh(call: UpstreamCall): void;
  cancel(call: UpstreamCall): void;
}

/** One health check of an instance: a GET whose status must be below 500, and whose body must come whole. */
export class HealthCheck implements UpstreamCall {
  readonly request: UpstreamRequest;
  private readonly outcome = Promise.withResolvers<boolean>();
  private connection: CallConnection | undefined;
  private isPassed = false;

  constructor(
    private readonly instance: CheckedInstance,
    path: string,
    /** `Host`. Default: that of the instance. */
    host = instance.host,
  ) {
    const head = formatRequestHead('GET', path, [], { host, length: 0, closesConnection: true });
    this.request = { head, isHeadRequest: false, body: null };
  }

  /** @returns whether it has passed in time */
  async run(timeoutMs: number): Promise<boolean> {
    const timer = setTimeout(() => this.giveUp(), timeoutMs).unref();
    this.instance.dispatchFresh(this);
    try {
      return await this.outcome.promise;
    } finally {
      clearTimeout(timer);
    }
  }

  onConnection(connection: CallConnection): void {
    this.connection = connection;
  }

  onHead({ status }: ResponseHead): void {
    this.isPassed = status < 500;
  }

  onEnd(): void {
    this.outcome.resolve(this.isPassed);
  }

  onError(): void {
    this.outcome.resolve(false);
  }

  onSent(): void {}
  onFirstByte(): void {}
  onInterim(): void {}
  onBody(): void {}

  private giveUp(): void {
    if (this.connection) this.connection.cancel();
    else this.instance.cancel(this);
    this.outcome.resolve(false);
  }
}
