import type { IncomingMessage, ServerResponse } from 'node:http';
import { pickerFor } from './attempts/affinity-picker.js';
import type { InstancePicker } from './attempts/attempts.js';
import type { Instance } from './balancing/instance.js';
import { Forward } from './forward/forward.js';
import { BodyReadError, checkAnnouncedLength, isBodyRead } from './forward/announced-body.js';
import {
  InvalidRequestException,
  UpstreamQueueFullException,
  UpstreamRouterException,
} from './http/exceptions.js';
import { openExchange } from './http/open-exchange.js';
import type { MountedForward } from './proxy-handler.js';
import type { UpstreamProxy } from './upstream-proxy.js';

/** A request target that can be sent: a path, and no blanks or controls. */
const TARGET = /^\/[\x21-\x7e\x80-\xff]*$/;

/** Lets one instance have all attempts of a request. */
class PinnedPicker implements InstancePicker {
  constructor(
    private readonly upstream: string,
    private readonly instance: Instance,
  ) {}

  /** @throws UpstreamQueueFullException */
  pick(tried: readonly Instance[]): Instance | undefined {
    if (tried.length > 0) return undefined;
    if (this.instance.isFull) throw new UpstreamQueueFullException(this.upstream);
    return this.instance;
  }
}

/**
 * Creates the function that forwards the requests of an upstream's mounted `http-proxy-middleware`. The request keeps the
 * path that the middleware has given it. The promise resolves when the response has ended, and rejects with an exception to
 * respond with.
 * @param find finds another upstream by its name
 */
export function createMountedForward(
  upstream: UpstreamProxy,
  find: (name: string) => UpstreamProxy | undefined,
): MountedForward {
  return async (request, response, choice) => {
    const other = choice === undefined ? upstream : find(choice);
    if (other) return send(other, undefined, request, response);
    const instance = upstream.instances.all.find(({ origin }) => origin === choice);
    if (!instance) throw new UpstreamRouterException(upstream.name, choice!);
    return send(upstream, instance, request, response);
  };
}

async function send(
  proxy: UpstreamProxy,
  instance: Instance | undefined,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  // Its client has left, or another response was sent, while the team's code ran.
  if (response.destroyed || response.writableEnded) return;
  const exchange = openExchange(request, response);
  if (exchange.forward) throw new Error('the request was forwarded already');
  if (isBodyRead(request)) throw new BodyReadError();
  exchange.mountedUpstream = proxy.name;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  response.once('close', resolve);
  try {
    if (!TARGET.test(request.url!)) throw new InvalidRequestException('Invalid path');
    const options = proxy.mountedOptions;
    checkAnnouncedLength(request, options.limits.bodyLimitBytes);
    options.headerRules?.prepare(exchange);
    const picker = instance
      ? new PinnedPicker(proxy.name, instance)
      : pickerFor(proxy, exchange, options.affinity);
    const attempts = proxy.createAttempts(performance.now(), exchange, picker);
    new Forward(exchange, options, attempts, request.url!, reject).start();
  } catch (error) {
    proxy.refuse(exchange, error, reject);
  }
  await promise;
}
