import {
  DockerfileParser,
  Healthcheck,
  type Arg,
  type Copy,
  type Dockerfile,
  type Env,
  type From,
  type Instruction,
  type JSONInstruction,
} from 'dockerfile-ast';
import { posix } from 'node:path';
import type { SourceLocation, Sourced } from '../deployment/sourced.js';
import { fillIn } from './fill-in.js';
import type { TextFiles } from './text-files.js';
import { UnreadableError } from './unreadable.error.js';

/** What a container runs: a program with its arguments, or a line for a shell. */
export type Command = { readonly argv: readonly string[] } | { readonly shell: string };

export interface DockerHealthcheck {
  readonly command: Sourced<Command>;
  /** `interval`, `timeout`, `retries`, `start-period`, as they are written. */
  readonly flags: ReadonlyMap<string, string>;
}

/** One stage with everything that it takes over from the stages that it builds on. */
export interface Stage {
  readonly at: SourceLocation;
  /** The image at the bottom, variables filled in. */
  readonly image: string;
  readonly environment: ReadonlyMap<string, Sourced<string>>;
  readonly command: Sourced<Command> | undefined;
  readonly entrypoint: Sourced<Command> | undefined;
  readonly healthcheck: DockerHealthcheck | undefined;
  /** Every word of a RUN: what may have been installed. */
  readonly runWords: ReadonlySet<string>;
  /** Where relative targets begin. */
  readonly folder: string;
  /** From the build's context, each with its target: one that ends with a slash is a folder. */
  readonly copies: readonly Copied[];
}

export interface Copied {
  readonly source: string;
  readonly target: string;
  readonly at: SourceLocation;
}

const KEYWORDS = new Set(
  (
    'ADD ARG CMD COPY ENTRYPOINT ENV EXPOSE FROM HEALTHCHECK LABEL MAINTAINER ONBUILD RUN SHELL STOPSIGNAL USER ' +
    'VOLUME WORKDIR'
  ).split(' '),
);

/** A Dockerfile, its stages by name. */
export class DockerFile {
  private constructor(
    readonly file: string,
    private readonly instructions: readonly Instruction[],
  ) {}

  /** @throws UnreadableError with the line */
  static read(files: TextFiles, path: string): DockerFile {
    const file = files.nameOf(path);
    let parsed: Dockerfile;
    try {
      parsed = DockerfileParser.parse(files.read(path));
    } catch (error) {
      if (error instanceof UnreadableError) throw error;
      throw new UnreadableError({ file }, 'cannot be parsed', { cause: error });
    }
    const instructions = parsed.getInstructions();
    for (const instruction of instructions) {
      if (!KEYWORDS.has(instruction.getKeyword())) {
        throw new UnreadableError(
          placeOf(file, instruction),
          `unknown instruction ${instruction.getInstruction()}`,
        );
      }
    }
    if (!instructions.some((instruction) => instruction.getKeyword() === 'FROM')) {
      throw new UnreadableError({ file, line: 1 }, 'has no FROM');
    }
    return new DockerFile(file, instructions);
  }

  /** ENV and ARG of all stages, where a secret would stay in the image. */
  get variables(): readonly Sourced<{ name: string; value: string }>[] {
    return this.instructions.flatMap((instruction) =>
      propertiesOf(instruction).map(([name, value]) => ({
        value: { name, value },
        text: `${instruction.getKeyword()} ${name}`,
        at: placeOf(this.file, instruction),
      })),
    );
  }

  /**
   * @param target the stage's name; the last stage where there is none
   * @param args of the build; where they say nothing, the file's own defaults
   * @throws UnreadableError where there is no such stage
   */
  stage(target: string | undefined, args: ReadonlyMap<string, string>): Stage {
    const froms = this.instructions.filter((instruction) => instruction.getKeyword() === 'FROM') as From[];
    const from = target === undefined ? froms.at(-1) : froms.find((each) => isNamed(each, target));
    if (!from) throw new UnreadableError({ file: this.file }, `has no stage "${target}"`);
    return this.build(from, froms, this.globalArgs(froms[0]!, args), args);
  }

  /** @param given what the build says of its arguments, in place of the file's own */
  private build(
    from: From,
    froms: readonly From[],
    args: ReadonlyMap<string, string>,
    given: ReadonlyMap<string, string>,
  ): Stage {
    const image = fillIn(from.getArguments()[0]?.getValue() ?? '', args);
    const earlier = froms.slice(0, froms.indexOf(from)).find((each) => isNamed(each, image));
    const below: Stage = earlier
      ? this.build(earlier, froms, args, given)
      : {
          at: placeOf(this.file, from),
          image,
          environment: new Map(),
          command: undefined,
          entrypoint: undefined,
          healthcheck: undefined,
          runWords: new Set(),
          folder: '/',
          copies: [],
        };
    const environment = new Map(below.environment);
    const runWords = new Set(below.runWords);
    const copies = [...below.copies];
    // What the lines below may use: the stage's own arguments, below what ENV says.
    const scope = new Map([...environment].map(([name, { value }]) => [name, value]));
    let { command, entrypoint, healthcheck, folder } = below;
    for (const instruction of this.within(from, froms)) {
      const keyword = instruction.getKeyword();
      const at = placeOf(this.file, instruction);
      if (keyword === 'ENV') {
        const filled = propertiesOf(instruction).map(
          ([name, text]) => [name, text, fillIn(text, scope)] as const,
        );
        for (const [name, text, value] of filled) {
          environment.set(name, { value, text: `ENV ${name}=${text}`, at });
          scope.set(name, value);
        }
      } else if (keyword === 'ARG') {
        for (const [name, text] of propertiesOf(instruction)) {
          const value = given.get(name) ?? (fillIn(text, scope) || args.get(name));
          if (value !== undefined && !environment.has(name)) scope.set(name, value);
        }
      } else if (keyword === 'WORKDIR') {
        folder = posix.resolve(folder, fillIn(instruction.getArgumentsContent() ?? '', scope));
      } else if (keyword === 'RUN') {
        for (const word of instruction.getArguments()) runWords.add(word.getValue());
      } else if ((keyword === 'COPY' && !(instruction as Copy).getFromFlag()) || keyword === 'ADD') {
        const paths = instruction.getArguments().map((argument) => fillIn(argument.getValue(), scope));
        const to = posix.resolve(folder, paths.at(-1) ?? '');
        const isFolder = paths.length > 2 || /(^|\/)\.?$/.test(paths.at(-1) ?? '');
        const target = isFolder ? posix.join(to, '/') : to;
        copies.push(...paths.slice(0, -1).map((source) => ({ source, target, at })));
      } else if (keyword === 'CMD') command = commandOf(instruction as JSONInstruction, at);
      else if (keyword === 'ENTRYPOINT') entrypoint = commandOf(instruction as JSONInstruction, at);
      else if (instruction instanceof Healthcheck) healthcheck = healthcheckOf(instruction, at);
    }
    return {
      at: placeOf(this.file, from),
      image: below.image,
      environment,
      command,
      entrypoint,
      healthcheck,
      runWords,
      folder,
      copies,
    };
  }

  private within(from: From, froms: readonly From[]): readonly Instruction[] {
    const next = froms[froms.indexOf(from) + 1];
    const begin = this.instructions.indexOf(from) + 1;
    return this.instructions.slice(begin, next && this.instructions.indexOf(next));
  }

  /** Those before the first FROM, the only ones that an image's name may use. */
  private globalArgs(first: From, given: ReadonlyMap<string, string>): Map<string, string> {
    const args = new Map<string, string>();
    for (const instruction of this.instructions.slice(0, this.instructions.indexOf(first))) {
      for (const [name, value] of propertiesOf(instruction)) args.set(name, given.get(name) ?? value);
    }
    return args;
  }
}

function placeOf(file: string, instruction: Instruction): SourceLocation {
  return { file, line: instruction.getRange().start.line + 1 };
}

function propertiesOf(instruction: Instruction): [name: string, value: string][] {
  const keyword = instruction.getKeyword();
  if (keyword !== 'ENV' && keyword !== 'ARG') return [];
  return (instruction as Env | Arg)
    .getProperties()
    .map((property) => [property.getName(), property.getValue() ?? '']);
}

/** Docker knows stages by their names in whatever case. */
const isNamed = (from: From, name: string): boolean =>
  from.getBuildStage()?.toLowerCase() === name.toLowerCase();

function commandOf(instruction: JSONInstruction, at: SourceLocation): Sourced<Command> {
  const text = `${instruction.getKeyword()} ${instruction.getArgumentsContent() ?? ''}`;
  if (!instruction.getOpeningBracket())
    return { value: { shell: instruction.getArgumentsContent() ?? '' }, text, at };
  return { value: { argv: instruction.getJSONStrings().map((each) => each.getJSONValue()) }, text, at };
}

function healthcheckOf(instruction: Healthcheck, at: SourceLocation): DockerHealthcheck | undefined {
  const [form, ...words] = instruction.getArguments().map((argument) => argument.getValue());
  if (form?.toUpperCase() !== 'CMD') return undefined;
  const text = words.join(' ');
  const flags = new Map(instruction.getFlags().map((flag) => [flag.getName(), flag.getValue() ?? '']));
  return { command: { value: execForm(text) ?? { shell: text }, text: `HEALTHCHECK ${text}`, at }, flags };
}

/** A JSON list of texts, as Docker takes it; undefined where it is a line for the shell. */
function execForm(text: string): Command | undefined {
  try {
    const argv: unknown = JSON.parse(text);
    return Array.isArray(argv) && argv.every((word) => typeof word === 'string') ? { argv } : undefined;
  } catch {
    return undefined;
  }
}
