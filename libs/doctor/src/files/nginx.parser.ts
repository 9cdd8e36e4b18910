import type { SourceLocation } from './sourced.js';
import { UnreadableError } from './unreadable.error.js';

/**
 * A directive of nginx's configuration. This parser follows the grammar of nginx's `ngx_conf_read_token()`. The package
 * `nginx-conf` is no alternative: it gives no positions, keeps arguments as one text and accepts unclosed blocks.
 */
export interface Directive {
  readonly name: string;
  /** Quotes and escapes resolved. */
  readonly args: readonly string[];
  readonly at: SourceLocation;
  /** The directives inside the braces; undefined for one that ends with a semicolon. */
  readonly block?: Directive[];
}

const DEEPEST = 32;

/** Parses a configuration or an included file. @throws UnreadableError with the line of a syntax error */
export function parseNginx(text: string, file: string): Directive[] {
  return new NginxParser(new NginxTokens(text, file)).parse();
}

interface Token {
  readonly kind: 'word' | ';' | '{' | '}' | 'end';
  readonly text: string;
  readonly at: SourceLocation;
}

class NginxParser {
  constructor(private readonly tokens: NginxTokens) {}

  /** Without recursion, so that deep nesting cannot exhaust the stack. */
  parse(): Directive[] {
    const root: Directive[] = [];
    const open: { readonly block: Directive[]; readonly at: SourceLocation }[] = [];
    let words: Token[] = [];
    for (;;) {
      const token = this.tokens.next();
      const block = open.at(-1)?.block ?? root;
      if (token.kind === 'word') {
        words.push(token);
        continue;
      }
      if (token.kind === 'end') {
        if (words.length > 0)
          throw new UnreadableError(words[0]!.at, `"${words[0]!.text}" has no ; at its end`);
        const unclosed = open.at(-1);
        if (unclosed) throw new UnreadableError(unclosed.at, 'the { of this line is never closed');
        return root;
      }
      if (token.kind === '}') {
        if (words.length > 0)
          throw new UnreadableError(words[0]!.at, `"${words[0]!.text}" has no ; at its end`);
        if (!open.pop()) throw new UnreadableError(token.at, 'a } without its {');
        continue;
      }
      const [name, ...args] = words;
      if (!name) throw new UnreadableError(token.at, `a ${token.kind} without a directive`);
      const directive = { name: name.text, args: args.map((arg) => arg.text), at: name.at };
      words = [];
      if (token.kind === ';') block.push(directive);
      else {
        if (open.length === DEEPEST) throw new UnreadableError(token.at, 'nests too deeply');
        const inside: Directive[] = [];
        block.push({ ...directive, block: inside });
        open.push({ block: inside, at: name.at });
      }
    }
  }
}

const isSpace = (character: string): boolean => /\s/.test(character);

/** nginx's escapes. Any other backslash is literal, as in a regular expression. */
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  "'": "'",
  '\\': '\\',
  t: '\t',
  r: '\r',
  n: '\n',
};

class NginxTokens {
  private index = 0;
  private line = 1;

  constructor(
    private readonly text: string,
    private readonly file: string,
  ) {}

  next(): Token {
    this.skip();
    const at = this.place();
    const first = this.text[this.index];
    if (first === undefined) return { kind: 'end', text: '', at };
    if (first === ';' || first === '{' || first === '}') {
      this.index += 1;
      return { kind: first, text: first, at };
    }
    const text = first === '"' || first === "'" ? this.quoted(first, at) : this.bare();
    return { kind: 'word', text, at };
  }

  /** Skips blanks and comments. A `#` inside a word begins no comment. */
  private skip(): void {
    for (; this.index < this.text.length; this.index++) {
      const character = this.text[this.index]!;
      if (character === '#') this.index = this.endOfLine();
      else if (!isSpace(character)) return;
      if (this.text[this.index] === '\n') this.line += 1;
    }
  }

  private endOfLine(): number {
    const end = this.text.indexOf('\n', this.index);
    return end === -1 ? this.text.length : end;
  }

  private quoted(quote: string, at: SourceLocation): string {
    let word = '';
    for (this.index += 1; this.text[this.index] !== quote;) {
      if (this.index >= this.text.length) throw new UnreadableError(at, `a ${quote} without its end`);
      word += this.character();
    }
    this.index += 1;
    const after = this.text[this.index];
    if (after !== undefined && !isSpace(after) && !';{)'.includes(after)) {
      throw new UnreadableError(this.place(), `unexpected "${after}" behind a closing quote`);
    }
    return word;
  }

  /** A word up to a blank, `;` or `{`. The brace of `${name}` is part of the word. */
  private bare(): string {
    let word = '';
    while (this.index < this.text.length) {
      const character = this.text[this.index]!;
      if (isSpace(character) || character === ';' || (character === '{' && !word.endsWith('$'))) break;
      word += this.character();
    }
    return word;
  }

  private character(): string {
    const character = this.text[this.index++]!;
    if (character === '\n') this.line += 1;
    if (character !== '\\') return character;
    const escaped = this.text[this.index++] ?? '';
    if (escaped === '\n') this.line += 1;
    return ESCAPES[escaped] ?? character + escaped;
  }

  private place(): SourceLocation {
    return { file: this.file, line: this.line };
  }
}
