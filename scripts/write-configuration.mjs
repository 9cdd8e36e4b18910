// Writes docs/configuration.md and its JSON schema from the table of settings; `npm run docs:configuration` builds first.
import { writeFile } from 'node:fs/promises';
import { format, resolveConfig } from 'prettier';
import { configurationPage, settingsSchema } from '../dist/libs/gateway/src/internal.js';

const FILES = {
  'docs/configuration.md': configurationPage(),
  'docs/configuration.schema.json': JSON.stringify(settingsSchema()),
};

for (const [filepath, text] of Object.entries(FILES)) {
  const options = await resolveConfig(filepath);
  await writeFile(filepath, await format(text, { ...options, filepath }));
}
