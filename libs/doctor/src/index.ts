/** Compares the files of a deployment with each other, and with the gateway. The package does not export it. */
export { readApplication, type Application } from './deployment/application.js';
export { SourceLocations, sourceFolderOf } from './deployment/source-locations.js';
export { Stack } from './deployment/stack.js';
export { examine, type Finding, type Paths, type Report } from './examine.js';
export { escaped, printable } from './files/printable.js';
export { describeLocation, type SourceLocation } from './files/sourced.js';
export { TextFiles } from './files/text-files.js';
export { UnreadableError } from './files/unreadable.error.js';
export { entriesAt, nodeAt, textAt } from './files/yaml.tree.js';
export { toJson, toText } from './report.js';
