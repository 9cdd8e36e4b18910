// What the scripts run the gateway with: the command of the package, and the environment with this machine's secret.
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const manifest = import.meta.resolve('@secureconnect/gateway/package.json');
export const command = fileURLToPath(new URL('bin/gateway.cjs', manifest));

/** Makes the file that docker-compose.yml reads too. Delete it for a new secret; tokens of the old one end with it. */
function secretFile() {
  const folder = fileURLToPath(new URL('../secrets', import.meta.url));
  const file = `${folder}/jwt_secret`;
  // Other users of this machine cannot enter the folder; the user inside the container can read the file.
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (!existsSync(file)) writeFileSync(file, randomBytes(32).toString('base64url'));
  return file;
}

const hasSecret = process.env.JWT_SECRET || process.env.JWT_SECRET_FILE;
export const environment = hasSecret ? process.env : { ...process.env, JWT_SECRET_FILE: secretFile() };
