import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CommandError } from '../output/command.error.js';
import { packageRoot } from './package-root.js';

const TEMPLATE = 'templates/project';
const PLACEHOLDER = /__([A-Z]+)__/g;

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'there is no permission to write',
  EPERM: 'there is no permission to write',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the quota of the disk is used up',
  EEXIST: 'it exists, and nothing is overwritten',
};

/**
 * Writes the template of a project into a new folder, with values in place of `__NAME__` and the like. npm publishes no
 * `.gitignore`, so the template has `_gitignore`.
 *
 * @returns the files, relative to the folder
 * @throws CommandError if the folder exists or cannot be written; what was written is removed
 */
export function copyTemplate(folder: string, values: Readonly<Record<string, string>>): string[] {
  const template = join(packageRoot(), TEMPLATE);
  if (!existsSync(template)) throw new CommandError(`${template} is missing: the package is incomplete`);
  create(folder);
  try {
    const files = readdirSync(template, { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isFile(),
    );
    return files
      .map((entry) => join(entry.parentPath, entry.name).slice(template.length + 1))
      .toSorted()
      .map((path) => {
        const text = readFileSync(join(template, path), 'utf8');
        const name = path.replace(/(^|\/)_gitignore$/, '$1.gitignore');
        mkdirSync(dirname(join(folder, name)), { recursive: true });
        writeFileSync(join(folder, name), fillIn(text, values), { flag: 'wx' });
        return name;
      });
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw cannotWrite(folder, error);
  }
}

/** The folder must not exist, so that nothing is overwritten. */
function create(folder: string): void {
  try {
    mkdirSync(folder);
  } catch (error) {
    throw cannotWrite(folder, error);
  }
}

function cannotWrite(folder: string, error: unknown): CommandError {
  const { code = '', message } = error as NodeJS.ErrnoException;
  return new CommandError(`${folder} cannot be written: ${REASONS[code] ?? message}`, undefined, {
    cause: error,
  });
}

function fillIn(text: string, values: Readonly<Record<string, string>>): string {
  return text.replaceAll(PLACEHOLDER, (whole, name: string) => values[name] ?? whole);
}
