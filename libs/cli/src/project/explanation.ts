import { describeLocation, type SourceLocations } from '@app/doctor';
import { codeOf, type DryRun, type DryRunRequest, type Settings } from '@app/gateway/internal';
import { isWebSocketOnly, ProxyException, settingNameOf, type ProxyRoute } from '@app/proxy/internal';
import { HttpException } from '@nestjs/common';
import { changesOf, hideSecrets, rulesOf } from './header-changes.js';
import type { RunningState } from './running-gateway.js';

export interface ExplanationSources {
  readonly run: DryRun;
  readonly settings: Settings;
  readonly places: SourceLocations;
}

export type Explanation = ReturnType<typeof explain>;

const INTERNAL_ERROR = 500;
const NOT_FOUND = 404;

/** What a dry run has found out about a request. */
export function explain(
  { method, target, rawHeaders }: DryRunRequest,
  { run, settings, places }: ExplanationSources,
) {
  const { route, exchange } = run;
  const counted = run.limit;
  return {
    request: { method, target },
    exception: exceptionOf(run),
    /** The status with which the gateway itself responds, as to a preflight; null if it passes the request on. */
    response: !run.hasPassed && exchange?.response.headersSent ? exchange.response.statusCode : null,
    route: route
      ? {
          methods: route.options.methods,
          path: route.options.path,
          isWebSocket: exchange?.upgrade !== undefined || isWebSocketOnly(route.options),
          token: route.options.auth ?? 'required',
          at: route.upstream === undefined ? null : describeLocation(places.ofRoute(route.options.path)),
        }
      : null,
    gates: run.gates,
    limit: counted
      ? {
          name: counted.limit.name,
          perMinute: counted.limit.perMinute,
          withoutRedisPerMinute: counted.limit.localPerMinute,
          key: `${counted.limit.name}:${counted.owner}`,
        }
      : null,
    upstream: route?.proxy ? upstreamOf(route, target, settings) : null,
    requestHeaders: route?.proxy ? changesOf(rawHeaders, run.upstreamHeaders) : null,
    responseHeaders: {
      added: hideSecrets(exchange?.responseHeaders ?? []),
      rules: route?.proxy ? rulesOf(route.proxy.declaration, route.options, 'responseHeaders') : [],
    },
  };
}

/** Why the gateway refuses; null if the request reaches an upstream, or a controller that the table has. */
function exceptionOf({ exception, by, route, hasPassed, exchange }: DryRun) {
  if (exception !== undefined) {
    const isExpected = exception instanceof HttpException;
    const status = isExpected ? exception.getStatus() : INTERNAL_ERROR;
    const reason = exception instanceof Error ? exception.message : 'a value was thrown';
    const headers = exception instanceof ProxyException ? hideSecrets(exception.headers) : [];
    return { status, headers, code: isExpected ? codeOf(exception) : 'INTERNAL_ERROR', reason, by };
  }
  if (!hasPassed && exchange?.response.headersSent) return null;
  if (route) return null;
  const reason = 'no route has this path, unless a controller of the application has it';
  return { status: NOT_FOUND, headers: [], code: 'NOT_FOUND', reason, by };
}

function upstreamOf(route: ProxyRoute, target: string, settings: Settings) {
  const { proxy, options, forwardOptions } = route;
  const { limits, affinity } = forwardOptions;
  const instances =
    settings.proxy.addresses.get(settingNameOf(proxy.name)) ?? proxy.declaration.instances ?? [];
  return {
    name: proxy.name,
    instances: instances.map((address) => new URL(address).origin),
    target: route.toUpstreamTarget(target),
    rewrite: options.rewrite ?? null,
    strip: options.strip ?? null,
    affinity: affinity ? affinity.options : null,
    timeoutsMs: {
      connect: settings.proxy.connections.connectTimeoutMs,
      responseHeaders: limits.responseHeadersTimeoutMs,
      request: limits.requestTimeoutMs,
      streamIdle: limits.streamIdleTimeoutMs,
      eventStreamIdle: limits.eventStreamIdleTimeoutMs,
    },
    bodyLimitBytes: limits.bodyLimitBytes,
  };
}

/** The explanation as lines of two columns. */
export function toLines(explanation: Explanation & { readonly running?: RunningState }): string[] {
  const { request, exception, route, gates, limit, running } = explanation;
  const lines: (readonly [string, string])[] = [['outcome', outcomeOf(explanation)]];
  for (const field of exception?.headers ?? []) lines.push(['', field]);
  if (route) {
    const kind = route.isWebSocket ? ', a WebSocket' : '';
    lines.push(['route', `${route.methods.join(',')} ${route.path}${kind}, token ${route.token}`]);
    if (route.at !== null) lines.push(['', route.at]);
  }
  gates.forEach(({ name, result }, index) => lines.push([index === 0 ? 'gates' : '', `${name}: ${result}`]));
  if (limit) {
    lines.push([
      'limit',
      `${limit.name}, ${limit.perMinute} a minute (RATELIMIT_${limit.name}), counted for ${limit.key}`,
    ]);
    lines.push(['', `${limit.withoutRedisPerMinute} a minute in each gateway while Redis is away`]);
  }
  return [
    `${request.method} ${request.target}`,
    ...[
      ...lines,
      ...upstreamLines(explanation),
      ...(running?.lines ?? []).map((line) => ['running', line] as const),
    ].map(([name, text]) => `  ${name.padEnd(10)}  ${text}`),
  ];
}

function outcomeOf({ exception, response, upstream }: Explanation): string {
  if (exception)
    return `refused with ${exception.status} ${exception.code} by ${exception.by}: ${exception.reason}`;
  if (response !== null) return `the gateway itself responds with ${response}`;
  return `passes to ${upstream?.name ?? 'the gateway itself'}`;
}

function upstreamLines(explanation: Explanation): (readonly [string, string])[] {
  const { exception, upstream } = explanation;
  if (!upstream) return [];
  const { timeoutsMs: ms, affinity } = upstream;
  return [
    ['upstream', upstream.name],
    ...upstream.instances.map((instance) => ['', instance] as const),
    ['target', upstream.target],
    ...(upstream.rewrite === null ? [] : [['', `rewritten by ${upstream.rewrite}`] as const]),
    ...(upstream.strip === null ? [] : [['', `stripped of ${upstream.strip}`] as const]),
    ['affinity', affinity === null ? 'none, balanced by load' : JSON.stringify(affinity)],
    [
      'timeouts',
      `connect ${ms.connect} ms, response headers ${ms.responseHeaders} ms, request ${ms.request} ms`,
    ],
    ['', `idle ${ms.streamIdle} ms, idle streams ${ms.eventStreamIdle} ms`],
    ['body', `at most ${upstream.bodyLimitBytes} bytes`],
    ...(exception ? [] : headerLines(explanation)),
  ];
}

function headerLines({ requestHeaders, responseHeaders }: Explanation): (readonly [string, string])[] {
  return [
    ...(requestHeaders?.added ?? []).map((field) => ['to service', `adds ${field}`] as const),
    ...(requestHeaders?.removed ?? []).map((field) => ['to service', `removes ${field}`] as const),
    ...responseHeaders.added.map((field) => ['to client', `adds ${field}`] as const),
    ...responseHeaders.rules.map((rule) => ['to client', rule] as const),
  ];
}
