import type { IncomingMessage, ServerResponse } from 'node:http';
import { RateLimitedException } from '../http/exceptions.js';
import { discardBody } from '../http/lingering-close.js';
import { OpenExchanges } from '../http/open-exchanges.js';
import { expectsContinue } from '../http/request-grammar.middleware.js';
import { UpgradeResponse } from '../http/upgrade-response.js';
import { SETTINGS, type Settings } from '../settings/complete-settings.js';
import { AuthenticationException } from '@app/auth';
import { randomId, Exchange, exchangeOf, TrustedProxies } from '@app/proxy/internal';
import { Inject, Injectable, type NestMiddleware } from '@nestjs/common';
import { AccessLog } from './access-log.js';
import { Metrics } from './metrics.js';

/** Request ids that a trusted proxy may set: at most 128 characters, all of them safe in logs and headers. */
const REQUEST_ID = /^[A-Za-z0-9._:-]{1,128}$/;

/** A request to which Express has added the controller's route that it matched. */
interface RoutedRequest extends IncomingMessage {
  readonly route?: { readonly path?: unknown };
}

/** Opens the exchange of every request. At its end, writes its access log line and counts it in the metrics. */
@Injectable()
export class RequestContextMiddleware implements NestMiddleware<IncomingMessage, ServerResponse> {
  private readonly trusted: TrustedProxies;
  private readonly onClose: (this: ServerResponse) => void;
  private readonly onFinish: (this: ServerResponse) => void;

  constructor(
    @Inject(SETTINGS) config: Settings,
    accessLog: AccessLog,
    metrics: Metrics,
    private readonly open: OpenExchanges,
  ) {
    this.trusted = new TrustedProxies(config.trust);
    const { minimumRate } = config.proxy;
    // All responses share these listeners, so that a request allocates none.
    this.onClose = function (this: ServerResponse): void {
      const exchange = exchangeOf(this.req)!;
      const elapsedMs = performance.now() - exchange.startedAt;
      const isAnswered = this.writableFinished || exchange.hasSwitchedProtocols;
      const status = isAnswered ? this.statusCode : interruptedStatus(exchange);
      open.delete(exchange);
      if (exchange.failure instanceof AuthenticationException) metrics.authFailed(exchange.failure.failure);
      if (exchange.failure instanceof RateLimitedException) metrics.rateLimited(exchange);
      metrics.closed(exchange, controllerPath(exchange), status, elapsedMs);
      accessLog.write(exchange, status, elapsedMs);
    };
    this.onFinish = function (this: ServerResponse): void {
      discardBody(this.req, minimumRate);
    };
  }

  use(request: IncomingMessage, response: ServerResponse, next: () => void): void {
    const peer = this.trusted.resolve(request.socket.remoteAddress, forwardedFor(request));
    const inbound = request.headers['x-request-id'] as string | undefined;
    const id = peer.isPeerTrusted && inbound !== undefined && REQUEST_ID.test(inbound) ? inbound : randomId();
    const exchange = new Exchange(id, request, response, peer);
    if (response instanceof UpgradeResponse) exchange.upgrade = response.upgrade;
    exchange.responseHeaders.push('X-Request-ID', id);
    this.open.add(exchange);
    response.on('close', this.onClose);
    // Before Node's own listener, which may close the connection.
    response.prependListener('finish', this.onFinish);
    if (expectsContinue(request)) exchange.expectContinue();
    next();
  }
}

/** Status of a response that was cut: that of the failure, or 499 if the client left. */
function interruptedStatus({ failure }: Exchange): number {
  return failure ? failure.getStatus() : 499;
}

function forwardedFor(request: IncomingMessage): string | undefined {
  return request.headers['x-forwarded-for'] as string | undefined;
}

function controllerPath(exchange: Exchange): string | undefined {
  const path = (exchange.request as RoutedRequest).route?.path;
  return typeof path === 'string' ? path : undefined;
}
