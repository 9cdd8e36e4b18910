import { CommandError } from '../output/command.error.js';

/** What a running gateway says of itself. */
export interface RunningState {
  /** The status of its readiness: `ok`, `degraded`, or another while it drains. */
  readonly readiness: string;
  /** The series of its metrics about the route and the upstream, without those that are 0. */
  readonly series: readonly string[];
  readonly lines: readonly string[];
}

/** The route and the upstream that are looked for. */
interface Explained {
  readonly route: { readonly path: string } | null;
  readonly upstream: { readonly name: string } | null;
}

const TIMEOUT_MS = 5_000;
const LARGEST_BYTES = 16 * 1024 * 1024;

/**
 * Reads readiness and metrics of a running gateway.
 * @throws CommandError if it cannot be reached within 5 s
 */
export async function readRunning(url: URL, { route, upstream }: Explained): Promise<RunningState> {
  const [ready, metrics] = [await read(new URL('/health/ready', url)), await read(new URL('/metrics', url))];
  const readiness = statusOf(ready);
  const labels = [
    ...(route ? [`endpoint="${route.path}"`] : []),
    ...(upstream ? [`upstream="${upstream.name}"`] : []),
  ];
  const series = metrics
    .split('\n')
    .filter((line) => !line.startsWith('#') && !line.includes('_bucket{') && !line.endsWith(' 0'))
    .filter((line) => labels.some((label) => line.includes(label)));
  return { readiness, series, lines: [`readiness: ${readiness}`, ...series] };
}

async function read(url: URL): Promise<string> {
  const controller = new AbortController();
  const timer = setTimeout(
    () => controller.abort(new Error(`no response within ${TIMEOUT_MS} ms`)),
    TIMEOUT_MS,
  );
  try {
    const response = await fetch(url, { signal: controller.signal });
    const text = await response.text();
    return text.slice(0, LARGEST_BYTES);
  } catch (error) {
    const { cause, message } = error as Error & { readonly cause?: Error };
    throw new CommandError(`${url.href} cannot be read: ${cause?.message || message}`);
  } finally {
    clearTimeout(timer);
  }
}

function statusOf(body: string): string {
  try {
    return String((JSON.parse(body) as { readonly status?: unknown }).status);
  } catch {
    return 'unknown: the response is no JSON';
  }
}
