import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { isInstalled, SEARCH_PATH } from './processes/targets.mjs';

const ROOT = new URL('../..', import.meta.url);
const CHANGED = ', changed';

/** @throws Error if this machine cannot run the bench */
export function checkMachine({ cores, scenarios, record }) {
  if (process.platform !== 'linux') throw new Error('The bench reads /proc: it needs Linux');
  if (!isInstalled('taskset')) throw new Error('The bench pins processes with taskset (package util-linux)');
  for (const core of Object.values(cores)) {
    if (core >= cpus().length) throw new Error(`There is no core ${core}: the bench needs two, see --cores`);
  }
  if (record && commit().endsWith(CHANGED)) throw new Error('--record needs a commit: there are changes');
  // Node has raised the soft limit to the hard one.
  const limits = readFileSync('/proc/self/limits', 'latin1');
  const [, most] = /^Max open files\s+(\d+|unlimited)/m.exec(limits);
  for (const { key, title, descriptors = 0 } of scenarios) {
    if (Number(most) < descriptors) {
      throw new Error(
        `A process may open ${most} files here, and \`${title}\` needs ${descriptors}: ` +
          `run \`ulimit -n ${descriptors}\` first, or name the scenarios to play without \`${key}\``,
      );
    }
  }
}

/** The commit that is measured, and whether there are changes since. */
export function commit() {
  const git = (...parameters) => execFileSync('git', parameters, { encoding: 'utf8', cwd: ROOT }).trim();
  try {
    const changes = git('status', '--porcelain', '--', '.', ':!docs/performance*');
    return git('rev-parse', '--short', 'HEAD') + (changes === '' ? '' : CHANGED);
  } catch {
    return 'unknown';
  }
}

/** The parts of the machine that the figures depend on. */
export function describeMachine() {
  return {
    cpu: cpus()[0].model.trim(),
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 1_024 ** 3),
    kernel: `Linux ${release().split('.', 2).join('.')}`,
  };
}

/** The versions of all programs that take part and are installed. */
export function versions(generator) {
  const root = lockedVersions('../../package-lock.json');
  const peers = lockedVersions('peers/package-lock.json');
  return {
    node: process.versions.node,
    '@nestjs/core': root('@nestjs/core'),
    'http-proxy-middleware': root('http-proxy-middleware'),
    ws: root('ws'),
    '@fastify/http-proxy': peers('@fastify/http-proxy'),
    ...(isInstalled('go') && { go: printed('go', ['version'], /go([\d.]+)/) }),
    ...(isInstalled('nginx') && { nginx: printed('nginx', ['-v'], /nginx\/([\d.]+)/) }),
    ...(isInstalled('haproxy') && { haproxy: printed('haproxy', ['-v'], /version ([\d.]+)/) }),
    [generator]: generator === 'wrk' ? printed('wrk', ['-v'], /([\d.]+)/) : peers('autocannon'),
  };
}

/** Some print their version to the standard error, and wrk ends with 1. */
function printed(program, parameters, pattern) {
  const command = `${[program, ...parameters].join(' ')} 2>&1 || true`;
  const options = { encoding: 'utf8', env: { ...process.env, PATH: SEARCH_PATH } };
  return pattern.exec(execFileSync('sh', ['-c', command], options))?.[1] ?? 'unknown';
}

/** Packages keep their own package.json to themselves; the lock file has the version that is installed. */
function lockedVersions(file) {
  const { packages } = JSON.parse(readFileSync(new URL(file, import.meta.url), 'utf8'));
  return (name) => packages[`node_modules/${name}`].version;
}
