import type { Command, DockerHealthcheck } from '../files/docker-stage.js';
import {
  nodeAt,
  textAt,
  textsOf,
  writtenIn,
  type YamlList,
  type YamlNode,
  type YamlText,
} from '../files/yaml.tree.js';
import type { Sourced } from '../files/sourced.js';
import { composeMs, count } from './units.js';

/** Docker's defaults. */
const DOCKER_INTERVAL_MS = 30_000;
const DOCKER_RETRIES = 3;

export interface HealthCheck {
  readonly command: Sourced<Command>;
  readonly intervalMs: number;
  readonly retries: number;
  /** In milliseconds. */
  readonly startPeriod: Sourced<number> | undefined;
}

/**
 * The health check of a service; undefined if it has none, or has switched it off.
 *
 * @param node `healthcheck` of the compose file
 * @param image the HEALTHCHECK of its Dockerfile, for the parts that the compose file leaves out
 */
export function readHealthCheck(
  node: YamlNode | undefined,
  image: DockerHealthcheck | undefined,
): HealthCheck | undefined {
  if (textAt(node, 'disable')?.value === 'true') return undefined;
  const test = nodeAt(node, 'test');
  const command = test ? testCommand(test) : image?.command;
  if (!command) return undefined;
  const part = (key: string, flag: string): Sourced<string> | undefined =>
    textAt(node, key) ?? flagOf(image, flag);
  const [interval, retries] = [part('interval', 'interval'), part('retries', 'retries')];
  const startPeriod = part('start_period', 'start-period');
  return {
    command,
    // Docker reads 0 as its default.
    intervalMs: (interval && composeMs(interval).value) || DOCKER_INTERVAL_MS,
    retries: (retries && count(retries).value) || DOCKER_RETRIES,
    startPeriod: startPeriod && composeMs(startPeriod),
  };
}

function flagOf(image: DockerHealthcheck | undefined, flag: string): Sourced<string> | undefined {
  const value = image?.flags.get(flag);
  return value === undefined ? undefined : { value, text: `--${flag}=${value}`, at: image!.command.at };
}

/** Compose's `test`: `CMD` and a list, `CMD-SHELL` or a text for a shell, `NONE`. */
function testCommand(node: YamlNode): Sourced<Command> | undefined {
  const describe = (text: string): string => `healthcheck: ${text}`;
  if (node.kind === 'text')
    return { value: { shell: node.text }, text: describe(writtenIn(node)), at: node.at };
  if (node.kind === 'map') return undefined;
  const [form, ...words] = textsOf(node.items);
  const source = { text: describe(commandText({ ...node, items: node.items.slice(1) })), at: node.at };
  if (form === 'CMD') return { ...source, value: { argv: words } };
  return form === 'CMD-SHELL' ? { ...source, value: { shell: words.join(' ') } } : undefined;
}

/** A command as it is written in the file, in one line. */
export function commandText(node: YamlText | YamlList): string {
  if (node.kind === 'text') return writtenIn(node);
  return node.items.map((item) => (item.kind === 'text' ? writtenIn(item) : '')).join(' ');
}
