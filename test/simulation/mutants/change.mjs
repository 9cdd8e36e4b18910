import { MUTANTS } from './mutants.mjs';

/** Plants a fault into the text of its source. */
export class Change {
  isPlanted = false;
  #mutant;

  constructor(name) {
    this.#mutant = MUTANTS[name];
    if (!this.#mutant) throw new Error(`no mutant has the name ${name}`);
  }

  /** @throws Error if the source has changed since the mutant was written */
  apply = (path, source) => {
    const { file, and = [], ...first } = this.#mutant;
    if (path !== file) return source;
    this.isPlanted = true;
    return [first, ...and].reduce((text, { from, to }) => {
      if (text.split(from).length !== 2) throw new Error(`${file} has this text not once: ${from}`);
      return text.replace(from, () => to);
    }, source);
  };
}
