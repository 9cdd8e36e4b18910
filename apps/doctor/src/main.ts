import { parseArgs } from 'node:util';
import { AppModule } from '../../gateway/src/app.module.js';
import { readApplication } from './deployment/application.js';
import { examine } from './examine.js';
import { UnreadableError } from './files/unreadable.error.js';
import { toJson, toText } from './report.js';

const USAGE = `npm run doctor -- [options]: compares nginx, compose, the Dockerfile and the gateway
  --compose FILE     compose file, repeatable, later files override; default docker-compose.yml
  --nginx FILE       nginx's main file; default: the mount in the compose file
  --dockerfile FILE  replaces the Dockerfiles of the compose file
  --prometheus FILE  prometheus.yml; default: the mount in the compose file
  --env FILE         variables of the compose file; default: .env beside it
  --json             prints JSON
Exits with 0, with 1 if there are findings, with 2 if a file cannot be read.`;

const EXIT_FINDINGS = 1;
const EXIT_UNREADABLE = 2;

try {
  const { values } = parseArgs({
    options: {
      compose: { type: 'string', multiple: true, default: ['docker-compose.yml'] },
      nginx: { type: 'string' },
      dockerfile: { type: 'string' },
      prometheus: { type: 'string' },
      env: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) process.stdout.write(`${USAGE}\n`);
  else {
    const report = examine(process.cwd(), values, readApplication(AppModule));
    process.stdout.write(`${values.json ? toJson(report) : toText(report)}\n`);
    if (report.findings.length > 0) process.exitCode = EXIT_FINDINGS;
  }
} catch (error) {
  const isAnswer = error instanceof UnreadableError || isArgumentError(error);
  process.stderr.write(`${isAnswer ? (error as Error).message : String((error as Error).stack)}\n`);
  process.exitCode = EXIT_UNREADABLE;
}

function isArgumentError(error: unknown): boolean {
  return String((error as { code?: unknown }).code).startsWith('ERR_PARSE_ARGS');
}
