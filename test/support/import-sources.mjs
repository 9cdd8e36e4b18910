// Loaded by `--import` into a process that runs TypeScript of this repository without Jest.
import { fileURLToPath } from 'node:url';
import { importTypeScript } from '../../scripts/jest/modules.mjs';

importTypeScript(fileURLToPath(new URL('../../node_modules/.cache/sources', import.meta.url)));
