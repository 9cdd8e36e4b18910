import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { describeWithBuild } from '../support/requirements.js';

interface Finding {
  readonly rule: string;
  readonly places: readonly { readonly file: string; readonly line: number | null; readonly text: string }[];
  readonly expected: string;
  readonly impact: string;
}

/** For a process that hangs; a sound one ends in a second or two. */
const LONGEST_MS = 60_000;

/** The built doctor, as `npm run doctor` runs it. */
function doctor(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const { PATH } = process.env;
  const options = { env: { PATH, ...env }, encoding: 'utf8', timeout: LONGEST_MS } as const;
  return spawnSync(process.execPath, ['scripts/gateway.mjs', 'doctor', ...args], options);
}

/** What it prints where its standard output is a terminal. */
function onTerminal(args: readonly string[], env: Readonly<Record<string, string>>): string {
  const command = [process.execPath, 'scripts/gateway.mjs', 'doctor', ...args].join(' ');
  const { PATH } = process.env;
  const options = {
    env: { PATH, TERM: 'xterm', SHELL: '/bin/sh', ...env },
    encoding: 'utf8',
    timeout: LONGEST_MS,
  } as const;
  return spawnSync('script', ['--quiet', '--command', command, '/dev/null'], options).stdout;
}

describeWithBuild('npm run doctor', () => {
  const folder = mkdtempSync(join(tmpdir(), 'doctor-'));
  const over = join(folder, 'over.yml');
  writeFileSync(over, 'services:\n  api-gateway:\n    stop_grace_period: 10s\n');
  const broken = ['--compose', 'docker-compose.yml', '--compose', over];

  afterAll(() => rmSync(folder, { recursive: true }));

  it("exits with 0 on the product's own files", () => {
    const { status, stdout, stderr } = doctor([]);

    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toContain('rules hold.');
  });

  it('exits with 1 where two files disagree, and says what, where and why to people', () => {
    const { status, stdout } = doctor(broken);

    expect(status).toBe(1);
    expect(stdout).toContain(`drain\n  ${over}:3  stop_grace_period: 10s\n`);
    expect(stdout).toMatch(/docker-compose\.yml:\d+ +DRAIN_TIMEOUT_MS: 30000\n/);
    expect(stdout).toContain('  expected  stop_grace_period of 35 s or more');
    expect(stdout).toContain('  impact    Docker kills the gateway before its drain is over');
    expect(stdout).toContain('\n1 finding.\n');
  });

  it('says the same to machines', () => {
    const { status, stdout } = doctor([...broken, '--json']);
    const { findings } = JSON.parse(stdout) as { findings: Finding[] };

    expect(status).toBe(1);
    expect(findings).toMatchObject([
      { rule: 'drain', expected: expect.any(String), impact: expect.any(String) },
    ]);
    expect(findings[0]!.places[0]).toEqual({ file: over, line: 3, text: 'stop_grace_period: 10s' });
  });

  it('is coloured on a terminal, and nowhere where NO_COLOR is set', () => {
    const plain = doctor(broken).stdout;
    const [coloured, uncoloured] = [{}, { NO_COLOR: '1' }].map((env) =>
      onTerminal(broken, env).replaceAll('\r\n', '\n'),
    );

    expect(plain).toContain('stop_grace_period');
    expect(plain).not.toContain('\u001b[');
    expect(coloured).toContain('\u001b[');
    expect(stripVTControlCharacters(coloured!)).toBe(plain);
    expect(uncoloured).toBe(plain);
  });

  it('exits with 2 and one line where a file cannot be read', () => {
    writeFileSync(over, 'services:\n  a: [\n');

    expect(doctor(broken)).toMatchObject({ status: 2, stdout: '' });
    expect(doctor(broken).stderr).toMatch(/^\S+over\.yml:3: .+\n$/);
    expect(doctor(['--nginx', 'gone.conf'])).toMatchObject({ status: 2, stdout: '' });
    expect(doctor(['--dockerfile', 'gone']).stderr).toMatch(/^gone: ENOENT/);
    expect(doctor(['--colour'])).toMatchObject({ status: 2, stdout: '' });
  });
});
