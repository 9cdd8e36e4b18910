// The command `gateway` from the build of this repository, as the package has it.
import { main } from '../dist/libs/cli/src/main.js';

process.exitCode = await main(process.argv.slice(2));
