import { describeLocation } from '@app/doctor';
import { isWebSocketOnly, type CompiledRoute } from '@app/proxy/internal';
import type { Command } from 'commander';
import { toColumns } from '../output/columns.js';
import { APP_OPTION, JSON_OPTION, type ApplicationOptions, type CommandContext } from './command-context.js';
import { inspect, sourcesOf } from './inspect.js';

const HEAD = ['METHODS', 'PATH', 'UPSTREAM', 'TOKEN', 'LIMIT', 'AT'];

/** `gateway routes`: all routes, those of the gateway itself too. */
export function addRoutesCommand(program: Command, context: CommandContext): void {
  program
    .command('routes')
    .description('list all routes with their upstream, token, limit and line in the code')
    .option(...APP_OPTION)
    .option(...JSON_OPTION)
    .action((options: ApplicationOptions) => runRoutes(options, context));
}

async function runRoutes(options: ApplicationOptions, context: CommandContext): Promise<void> {
  using gateway = await inspect(options, context);
  const places = sourcesOf(context);
  const rows = gateway.registry.routes.map((route) =>
    describe(route, (path) => describeLocation(places.ofRoute(path))),
  );
  if (options.json) context.output.json(rows);
  else {
    const cells = rows.map((row) => [
      row.websocket ? `${row.methods.join(',')} (WebSocket)` : row.methods.join(','),
      row.path,
      row.upstream ?? 'the gateway',
      row.token,
      row.limit ? `${row.limit.name} ${row.limit.perMinute}/min` : 'DEFAULT',
      row.at ?? '',
    ]);
    context.output.lines(toColumns([HEAD, ...cells]));
  }
}

function describe({ options, upstream, limit }: CompiledRoute, placeOf: (path: string) => string) {
  const { methods, path, auth, websocket } = options;
  return {
    methods,
    path,
    websocket: websocket !== undefined,
    websocketOnly: isWebSocketOnly(options),
    upstream: upstream ?? null,
    token: auth ?? 'required',
    limit: limit ? { name: limit.name, perMinute: limit.perMinute } : null,
    at: upstream === undefined ? null : placeOf(path),
  };
}
