import type { TextFiles } from '../files/text-files.js';
import { itemsAt, parseYaml, textAt, writtenIn, type YamlNode, type YamlText } from '../files/yaml.tree.js';
import type { Sourced } from '../files/sourced.js';
import type { ComposeService } from './service.js';
import type { Stack } from './stack.js';
import { count } from './units.js';

const MAIN = '/etc/prometheus/prometheus.yml';

/** A server that Prometheus scrapes or sends alerts to. */
export interface PrometheusTarget {
  readonly host: string;
  readonly port: number;
  readonly source: Sourced;
}

/** The targets in Prometheus' configuration. */
export class Prometheus {
  readonly targets: readonly PrometheusTarget[];

  private constructor(
    node: YamlNode,
    /** Undefined if the configuration was given by path and no service runs it. */
    readonly service: ComposeService | undefined,
  ) {
    const alertmanagers = itemsAt(node, 'alerting', 'alertmanagers');
    const groups = [...itemsAt(node, 'scrape_configs'), ...alertmanagers];
    this.targets = groups.flatMap((group) => [...listed(group), ...lookedUp(group)]);
  }

  /**
   * @param path of the main file. Default: the file that the compose file mounts
   * @throws UnreadableError if the file is missing or is not YAML
   */
  static read(files: TextFiles, stack: Stack, path: string | undefined): Prometheus | undefined {
    const service = stack.services.find(({ mounts }) => mounts.some(({ target }) => leadsToMain(target)));
    const mounted = service?.mounts.flatMap(({ source, target }) =>
      source === undefined || !leadsToMain(target) ? [] : [stack.pathOf(source) + MAIN.slice(target.length)],
    );
    const found = path ?? mounted?.find((each) => files.exists(each));
    if (found === undefined) return undefined;
    return new Prometheus(parseYaml(files.read(found), files.nameOf(found)), service);
  }
}

const leadsToMain = (target: string): boolean => target === MAIN || MAIN.startsWith(`${target}/`);

const textsAt = (node: YamlNode, key: string): YamlText[] =>
  itemsAt(node, key).filter((item): item is YamlText => item.kind === 'text');

const sourcesOf = (node: YamlText): Sourced => ({ value: node.text, text: writtenIn(node), at: node.at });

function listed(group: YamlNode): PrometheusTarget[] {
  return itemsAt(group, 'static_configs')
    .flatMap((config) => textsAt(config, 'targets'))
    .filter(({ text }) => URL.canParse(`http://${text}`))
    .map((target) => {
      const { hostname, port } = new URL(`http://${target.text}`);
      return { host: hostname, port: Number(port || 80), source: sourcesOf(target) };
    });
}

function lookedUp(group: YamlNode): PrometheusTarget[] {
  return itemsAt(group, 'dns_sd_configs').flatMap((config) => {
    const port = textAt(config, 'port');
    if (!port) return [];
    return (
      textsAt(config, 'names')
        // A name with an underscore is a service record, and compose has none.
        .filter(({ text }) => !text.startsWith('_'))
        .map((name) => ({
          host: name.text.replace(/^tasks\./, ''),
          port: count(port).value,
          source: sourcesOf(name),
        }))
    );
  });
}
