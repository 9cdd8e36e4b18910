// Writes compose.digests.yml, which is laid over docker-compose.yml: each image with the digest that its tag has now, so
// that every machine runs the same bytes until this is run again. Of what is built here, the images that it is built
// from. Variables are those of .env. Nothing is written unless every image has a digest; without the file the tags hold.
import { renameSync, writeFileSync } from 'node:fs';
import { Document } from 'yaml';
import { Stack } from '../dist/apps/doctor/src/deployment/stack.js';
import { TextFiles } from '../dist/apps/doctor/src/files/text-files.js';
import { entriesAt, nodeAt, textAt } from '../dist/apps/doctor/src/files/yaml.tree.js';
import { readDigest } from './image-digest.mjs';

const COMPOSE = 'docker-compose.yml';
const OVERLAY = 'compose.digests.yml';
const HEADER = `# Written by \`npm run pin-images\`; not to be edited, nor committed.
# COMPOSE_FILE=${COMPOSE}:${OVERLAY} in .env puts it to use.
`;

/** Where a service names an image, and which: its own, or if that is built here, those among the arguments of its build. */
function imagesOf({ name, node }, committed) {
  const image = textAt(node, 'image')?.value;
  const build = nodeAt(node, 'build');
  // Another name than the one in the file is an image of a team's own, which comes from a registry.
  const isBuilt = build && image === textAt(entriesAt(committed, 'services').get(name), 'image')?.value;
  if (image !== undefined && !isBuilt) return [{ path: [name, 'image'], image }];
  const args = nodeAt(build, 'args');
  return [...entriesAt(args).keys()]
    .filter((arg) => arg.endsWith('_IMAGE'))
    .map((arg) => ({ path: [name, 'build', 'args', arg], image: textAt(args, arg).value }));
}

/** Each image with its digest. @throws AggregateError with every image that has none */
async function pin(images) {
  const pinned = new Map();
  const reasons = [];
  const read = async (image) => {
    try {
      pinned.set(
        image,
        image.includes('@') ? image : `${image}@${await readDigest(image, process.env.IMAGE_REGISTRY)}`,
      );
    } catch (error) {
      reasons.push(`${image}: ${error.message}`);
    }
  };
  await Promise.all(images.map(read));
  if (reasons.length > 0) throw new AggregateError(reasons, `${OVERLAY} was not written`);
  return pinned;
}

try {
  const paths = { compose: [COMPOSE], env: undefined, dockerfile: undefined };
  const { services, committed } = Stack.read(new TextFiles(process.cwd()), paths);
  const wanted = services.flatMap((service) => imagesOf(service, committed));
  const pinned = await pin([...new Set(wanted.map(({ image }) => image))]);
  const overlay = new Document({});
  for (const { path, image } of wanted) overlay.setIn(['services', ...path], pinned.get(image));
  writeFileSync(`${OVERLAY}.new`, HEADER + overlay.toString({ lineWidth: 0 }));
  renameSync(`${OVERLAY}.new`, OVERLAY);
  console.log([...pinned.values()].join('\n'));
  console.log(`${OVERLAY} is written: see its first lines`);
} catch (error) {
  console.error([error.message, ...(error.errors ?? [])].join('\n  '));
  process.exitCode = 1;
}
