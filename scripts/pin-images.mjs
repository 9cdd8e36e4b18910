// Writes compose.digests.yml, an overlay of docker-compose.yml with the current digest of each image's tag, so that
// every machine runs the same bytes until the next run of this script. For an image that is built here, it pins the
// images of the build. Reads variables from .env. Writes nothing unless every image has a digest; without the file,
// compose uses the tags.
import { renameSync, writeFileSync } from 'node:fs';
import { Document } from 'yaml';
import { entriesAt, nodeAt, Stack, textAt, TextFiles } from '../dist/libs/doctor/src/index.js';
import { readDigest } from './image-digest.mjs';

const COMPOSE = 'docker-compose.yml';
const OVERLAY = 'compose.digests.yml';
const HEADER = `# Written by \`npm run pin-images\`. Do not edit or commit this file.
# To use it, set COMPOSE_FILE=${COMPOSE}:${OVERLAY} in .env.
`;

/**
 * The images of a service, each with its path in the compose file: the service's own image or, if that is built here,
 * the images in the arguments of its build.
 */
function imagesOf({ name, node }, committed) {
  const image = textAt(node, 'image')?.value;
  const build = nodeAt(node, 'build');
  // If a variable replaces the name in the committed file, the image is a team's own and comes from a registry.
  const isBuilt = build && image === textAt(entriesAt(committed, 'services').get(name), 'image')?.value;
  if (image !== undefined && !isBuilt) return [{ path: [name, 'image'], image }];
  const args = nodeAt(build, 'args');
  return [...entriesAt(args).keys()]
    .filter((arg) => arg.endsWith('_IMAGE'))
    .map((arg) => ({ path: [name, 'build', 'args', arg], image: textAt(args, arg).value }));
}

/** Finds the digest of each image. @throws AggregateError with the reason for every image without one */
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
  const { services, committed } = new Stack(new TextFiles(process.cwd()), paths);
  const wanted = services.flatMap((service) => imagesOf(service, committed));
  const pinned = await pin([...new Set(wanted.map(({ image }) => image))]);
  const overlay = new Document({});
  for (const { path, image } of wanted) overlay.setIn(['services', ...path], pinned.get(image));
  writeFileSync(`${OVERLAY}.new`, HEADER + overlay.toString({ lineWidth: 0 }));
  renameSync(`${OVERLAY}.new`, OVERLAY);
  console.log([...pinned.values()].join('\n'));
  console.log(`${OVERLAY} is written: its first lines say how to use it`);
} catch (error) {
  console.error([error.message, ...(error.errors ?? [])].join('\n  '));
  process.exitCode = 1;
}
