import { UnreadableError } from '../files/unreadable.error.js';
import type { NginxBlock } from './nginx-block.js';

/** Directives that set a variable from another one. Its name is the last argument, and each row has a value. */
const MAKERS = new Set(['map', 'split_clients', 'geo']);

/** Parameters between their rows. */
const PARAMETERS = new Set(['hostnames', 'volatile', 'ranges', 'delete', 'proxy', 'proxy_recursive']);

/** For one text. */
const MOST_STEPS = 1_000;

/** The possible values of nginx's variables, as far as the configuration has them. */
export class NginxVariables {
  private readonly makers: readonly NginxBlock[];

  constructor(root: NginxBlock) {
    this.makers = [...root.descendants()].filter(({ name }) => MAKERS.has(name));
  }

  /**
   * All values that a text can have in a block. Variables that no file sets stay in the text.
   *
   * @throws UnreadableError above 1,000 steps
   */
  valuesOf(text: string, block: NginxBlock): readonly string[] {
    let steps = 0;
    const expand = (part: string, within: readonly string[]): readonly string[] => {
      let texts = [''];
      for (const [piece, braced, bare] of part.matchAll(/\$\{(\w+)\}|\$(\w+)|[^$]+|\$/g)) {
        const name = braced ?? bare;
        const values = name === undefined || within.includes(name) ? [] : this.definitions(name, block);
        const pieces = values.flatMap((value) => expand(value, [...within, name!]));
        texts = texts.flatMap((before) =>
          (pieces.length > 0 ? pieces : [piece]).map((each) => before + each),
        );
        steps += texts.length;
        if (steps > MOST_STEPS)
          throw new UnreadableError(block.directive.at, `${text} has too many possible values`);
      }
      return texts;
    };
    return [...new Set(expand(text, []))];
  }

  /** The source text of the `map` whose regular expressions capture this variable; undefined without one. */
  capturedFrom(name: string): string | undefined {
    const map = this.makers.find((maker) =>
      maker.directive.block!.some((row) => row.name.startsWith('~') && row.name.includes(`<${name}>`)),
    );
    return map?.directive.args[0];
  }

  private definitions(name: string, block: NginxBlock): readonly string[] {
    const found: string[] = [];
    for (let around: NginxBlock | undefined = block; around; around = around.parent) {
      const isSet = ({ args }: { args: readonly string[] }): boolean => args[0] === `$${name}`;
      const own = around.own('set').filter(isSet);
      const conditional = around.children
        .filter((child) => child.name === 'if')
        .flatMap((child) => child.own('set').filter(isSet));
      found.push(...[...own, ...conditional].map(({ args }) => args[1] ?? ''));
      // A `set` without a condition hides those of outer blocks.
      if (own.length > 0) return found;
    }
    for (const { directive } of this.makers) {
      if (directive.args.at(-1) !== `$${name}`) continue;
      const rows = directive.block!.filter((row) => !PARAMETERS.has(row.name));
      found.push(...rows.map(({ args }) => args[0] ?? ''));
      if (directive.name !== 'split_clients' && !rows.some((row) => row.name === 'default')) found.push('');
    }
    return found;
  }
}
