import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const DIRECTORY = join('.local', 'fuzz');
const MOST_SHOWN = 600;
const MOST_LINES = 200_000;

/** What happened on all connections of a batch, in its order. */
export class Transcript {
  #lines = [];
  #beganAt = performance.now();

  note(name, text, bytes) {
    if (this.#lines.length >= MOST_LINES) return;
    const shown = bytes === undefined ? '' : ` ${bytes.length} bytes ${printable(bytes)}`;
    this.#lines.push(`${(performance.now() - this.#beganAt).toFixed(1).padStart(9)} ${name} ${text}${shown}`);
  }

  /** Writes it to a file below `.local`. @returns its path */
  keep(name, findings) {
    mkdirSync(DIRECTORY, { recursive: true });
    const path = join(DIRECTORY, `${name}.log`);
    writeFileSync(path, `${[...findings, '', ...this.#lines].join('\n')}\n`);
    return path;
  }
}

function printable(bytes) {
  const text = JSON.stringify(bytes.toString('latin1', 0, MOST_SHOWN)).replaceAll(/[\x7f-\xff]/g, escaped);
  return bytes.length > MOST_SHOWN ? `${text}...` : text;
}

const escaped = (character) => String.raw`\x${character.charCodeAt(0).toString(16)}`;
