import type { Arg, Copy, Env, Healthcheck, Instruction, JSONInstruction } from 'dockerfile-ast';
import { posix } from 'node:path';
import type { SourceLocation, Sourced } from './sourced.js';
import { fillIn } from './fill-in.js';

/** A container's process: a program with its arguments, or a line for a shell. */
export type Command = { readonly argv: readonly string[] } | { readonly shell: string };

export interface DockerHealthcheck {
  readonly command: Sourced<Command>;
  /** `interval`, `timeout`, `retries`, `start-period`, as they are written. */
  readonly flags: ReadonlyMap<string, string>;
}

/** One stage, with all that it inherits from the stages it is built on. */
export interface Stage {
  readonly at: SourceLocation;
  /** The base image of the lowest stage, with variables filled in. */
  readonly image: string;
  readonly environment: ReadonlyMap<string, Sourced<string>>;
  readonly command: Sourced<Command> | undefined;
  readonly entrypoint: Sourced<Command> | undefined;
  readonly healthcheck: DockerHealthcheck | undefined;
  /** Every word of every RUN: the names of programs that may have been installed. */
  readonly runWords: ReadonlySet<string>;
  /** The last WORKDIR. */
  readonly folder: string;
  /** Copies from the build context; those from other stages are left out. */
  readonly copies: readonly Copied[];
}

export interface Copied {
  readonly source: string;
  /** A folder if it ends with a slash. */
  readonly target: string;
  readonly at: SourceLocation;
}

/** Values of ARG. */
export interface BuildArguments {
  /** The `args` of the compose file. */
  readonly given: ReadonlyMap<string, string>;
  /** The ARGs before the first FROM, which alone may appear in the name of a base image. */
  readonly global: ReadonlyMap<string, string>;
}

/** A stage without instructions, on a base image. */
export function emptyStage(image: string, at: SourceLocation): Stage {
  return {
    at,
    image,
    environment: new Map(),
    command: undefined,
    entrypoint: undefined,
    healthcheck: undefined,
    runWords: new Set(),
    folder: '/',
    copies: [],
  };
}

/** Applies the instructions of one stage to the stage below it. */
export class StageBuilder {
  private readonly environment: Map<string, Sourced<string>>;
  private readonly runWords: Set<string>;
  private readonly copies: Copied[];
  /** The variables that the next instruction may use. ENV wins over ARG. */
  private readonly scope: Map<string, string>;
  private command: Sourced<Command> | undefined;
  private entrypoint: Sourced<Command> | undefined;
  private healthcheck: DockerHealthcheck | undefined;
  private folder: string;

  constructor(
    private readonly below: Stage,
    private readonly args: BuildArguments,
    private readonly file: string,
  ) {
    this.environment = new Map(below.environment);
    this.runWords = new Set(below.runWords);
    this.copies = [...below.copies];
    this.scope = new Map([...below.environment].map(([name, { value }]) => [name, value]));
    ({
      command: this.command,
      entrypoint: this.entrypoint,
      healthcheck: this.healthcheck,
      folder: this.folder,
    } = below);
  }

  apply(instruction: Instruction): void {
    const at = placeOf(this.file, instruction);
    switch (instruction.getKeyword()) {
      case 'ENV':
        return this.setVariables(instruction, at);
      case 'ARG':
        return this.setArguments(instruction);
      case 'WORKDIR':
        this.folder = posix.resolve(this.folder, this.fill(instruction.getArgumentsContent() ?? ''));
        return;
      case 'RUN':
        for (const word of instruction.getArguments()) this.runWords.add(word.getValue());
        return;
      case 'COPY':
        if (!(instruction as Copy).getFromFlag()) this.copy(instruction, at);
        return;
      case 'ADD':
        return this.copy(instruction, at);
      case 'CMD':
        this.command = commandOf(instruction as JSONInstruction, at);
        return;
      case 'ENTRYPOINT':
        this.entrypoint = commandOf(instruction as JSONInstruction, at);
        return;
      case 'HEALTHCHECK':
        this.healthcheck = healthcheckOf(instruction as Healthcheck, at);
    }
  }

  build(at: SourceLocation): Stage {
    const { environment, command, entrypoint, healthcheck, runWords, folder, copies } = this;
    const { image } = this.below;
    return { at, image, environment, command, entrypoint, healthcheck, runWords, folder, copies };
  }

  private setVariables(instruction: Instruction, at: SourceLocation): void {
    // All values of one ENV are filled in before the first of them counts.
    const filled = propertiesOf(instruction).map(([name, text]) => [name, text, this.fill(text)] as const);
    for (const [name, text, value] of filled) {
      this.environment.set(name, { value, text: `ENV ${name}=${text}`, at });
      this.scope.set(name, value);
    }
  }

  private setArguments(instruction: Instruction): void {
    for (const [name, text] of propertiesOf(instruction)) {
      const value = this.args.given.get(name) ?? (this.fill(text) || this.args.global.get(name));
      if (value !== undefined && !this.environment.has(name)) this.scope.set(name, value);
    }
  }

  private copy(instruction: Instruction, at: SourceLocation): void {
    const paths = instruction.getArguments().map((argument) => this.fill(argument.getValue()));
    const to = posix.resolve(this.folder, paths.at(-1) ?? '');
    const isFolder = paths.length > 2 || /(^|\/)\.?$/.test(paths.at(-1) ?? '');
    const target = isFolder ? posix.join(to, '/') : to;
    this.copies.push(...paths.slice(0, -1).map((source) => ({ source, target, at })));
  }

  private fill(text: string): string {
    return fillIn(text, this.scope);
  }
}

export function placeOf(file: string, instruction: Instruction): SourceLocation {
  return { file, line: instruction.getRange().start.line + 1 };
}

/** The variables of an ENV or an ARG; none of any other instruction. */
export function propertiesOf(instruction: Instruction): [name: string, value: string][] {
  const keyword = instruction.getKeyword();
  if (keyword !== 'ENV' && keyword !== 'ARG') return [];
  return (instruction as Env | Arg)
    .getProperties()
    .map((property) => [property.getName(), property.getValue() ?? '']);
}

function commandOf(instruction: JSONInstruction, at: SourceLocation): Sourced<Command> {
  const text = `${instruction.getKeyword()} ${instruction.getArgumentsContent() ?? ''}`;
  if (!instruction.getOpeningBracket())
    return { value: { shell: instruction.getArgumentsContent() ?? '' }, text, at };
  return { value: { argv: instruction.getJSONStrings().map((each) => each.getJSONValue()) }, text, at };
}

/** Undefined for `HEALTHCHECK NONE`. */
function healthcheckOf(instruction: Healthcheck, at: SourceLocation): DockerHealthcheck | undefined {
  const [form, ...words] = instruction.getArguments().map((argument) => argument.getValue());
  if (form?.toUpperCase() !== 'CMD') return undefined;
  const text = words.join(' ');
  const flags = new Map(instruction.getFlags().map((flag) => [flag.getName(), flag.getValue() ?? '']));
  return { command: { value: execForm(text) ?? { shell: text }, text: `HEALTHCHECK ${text}`, at }, flags };
}

/** A JSON list of texts, Docker's exec form; undefined for a line for the shell. */
function execForm(text: string): Command | undefined {
  try {
    const argv: unknown = JSON.parse(text);
    return Array.isArray(argv) && argv.every((word) => typeof word === 'string') ? { argv } : undefined;
  } catch {
    return undefined;
  }
}
