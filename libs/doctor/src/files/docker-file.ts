import { DockerfileParser, type Dockerfile, type From, type Instruction } from 'dockerfile-ast';
import type { Sourced } from './sourced.js';
import {
  emptyStage,
  placeOf,
  propertiesOf,
  StageBuilder,
  type BuildArguments,
  type Stage,
} from './docker-stage.js';
import { fillIn } from './fill-in.js';
import type { TextFiles } from './text-files.js';
import { UnreadableError } from './unreadable.error.js';

const KEYWORDS = new Set(
  (
    'ADD ARG CMD COPY ENTRYPOINT ENV EXPOSE FROM HEALTHCHECK LABEL MAINTAINER ONBUILD RUN SHELL STOPSIGNAL USER ' +
    'VOLUME WORKDIR'
  ).split(' '),
);

/** A Dockerfile. */
export class DockerFile {
  private constructor(
    readonly file: string,
    private readonly instructions: readonly Instruction[],
  ) {}

  /** @throws UnreadableError if the file is missing or is no Dockerfile */
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

  /** ENV and ARG of all stages. Their values stay in the image, secrets too. */
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
   * @param target the name of the stage; default: the last stage
   * @param args the build's values for ARG; default: those of the file
   * @throws UnreadableError if the file has no such stage
   */
  stage(target: string | undefined, args: ReadonlyMap<string, string>): Stage {
    const froms = this.instructions.filter((instruction) => instruction.getKeyword() === 'FROM') as From[];
    const from = target === undefined ? froms.at(-1) : froms.find((each) => isNamed(each, target));
    if (!from) throw new UnreadableError({ file: this.file }, `has no stage "${target}"`);
    return this.build(from, froms, { given: args, global: this.globalArgs(froms[0]!, args) });
  }

  private build(from: From, froms: readonly From[], args: BuildArguments): Stage {
    const image = fillIn(from.getArguments()[0]?.getValue() ?? '', args.global);
    const at = placeOf(this.file, from);
    const earlier = froms.slice(0, froms.indexOf(from)).find((each) => isNamed(each, image));
    const below = earlier ? this.build(earlier, froms, args) : emptyStage(image, at);
    const builder = new StageBuilder(below, args, this.file);
    for (const instruction of this.within(from, froms)) builder.apply(instruction);
    return builder.build(at);
  }

  /** The instructions from one FROM to the next. */
  private within(from: From, froms: readonly From[]): readonly Instruction[] {
    const next = froms[froms.indexOf(from) + 1];
    const begin = this.instructions.indexOf(from) + 1;
    return this.instructions.slice(begin, next && this.instructions.indexOf(next));
  }

  /** The ARGs before the first FROM. */
  private globalArgs(first: From, given: ReadonlyMap<string, string>): Map<string, string> {
    const args = new Map<string, string>();
    for (const instruction of this.instructions.slice(0, this.instructions.indexOf(first))) {
      for (const [name, value] of propertiesOf(instruction)) args.set(name, given.get(name) ?? value);
    }
    return args;
  }
}

/** Docker compares the names of stages without regard to case. */
const isNamed = (from: From, name: string): boolean =>
  from.getBuildStage()?.toLowerCase() === name.toLowerCase();
