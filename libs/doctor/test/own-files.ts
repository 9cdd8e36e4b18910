import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { UpstreamOptions } from '@app/proxy';
import { AppModule } from '../../../apps/gateway/src/app.module.js';
import { readApplication } from '../src/deployment/application.js';
import { examine, type Finding, type Paths, type Report } from '../src/examine.js';

const COPIED = ['docker-compose.yml', 'Dockerfile', '.env.example', 'configs', 'nest-cli.json'];

/** One change to one file: a text that the file has exactly once, and its replacement. */
export interface Edit {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/** A copy of the product's own files, which tests edit. */
export class OwnFiles implements AsyncDisposable {
  private constructor(readonly root: string) {}

  static async copy(...edits: readonly Edit[]): Promise<OwnFiles> {
    const own = new OwnFiles(await mkdtemp(join(tmpdir(), 'doctor-')));
    for (const path of COPIED) await cp(path, join(own.root, path), { recursive: true });
    for (const folder of ['apps', 'libs']) await symlink(resolve(folder), join(own.root, folder));
    for (const edit of edits) await own.edit(edit);
    return own;
  }

  /** @throws Error unless the file has the text exactly once */
  async edit({ file, from, to }: Edit): Promise<void> {
    const text = await readFile(join(this.root, file), 'utf8');
    const count = text.split(from).length - 1;
    if (count !== 1) throw new Error(`${file} has ${count} times: ${from}`);
    await this.write(
      file,
      text.replace(from, () => to),
    );
  }

  async write(file: string, text: string | Buffer): Promise<void> {
    await writeFile(join(this.root, file), text);
  }

  examine(paths: Partial<Paths> = {}, more: readonly UpstreamOptions[] = []): Report {
    const { upstreams, settings } = readApplication(AppModule);
    return examine(
      this.root,
      { compose: ['docker-compose.yml'], ...paths },
      { upstreams: [...upstreams, ...more], settings },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.root, { recursive: true });
  }
}

/** `file:line: text` of each place of a finding. */
export function placesOf({ places }: Finding): string[] {
  return places.map(({ at, text }) => `${at.file}:${at.line}: ${text}`);
}
