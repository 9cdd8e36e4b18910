#!/usr/bin/env node
'use strict';

/** EX_CONFIG of sysexits.h, as for a wrong setting. */
var EXIT_CONFIGURATION = 78;

function exit(code) {
  process.exitCode = code;
  return code;
}

function fail(error) {
  console.error(error);
  return exit(1);
}

try {
  // oxlint-disable-next-line import/no-unassigned-import -- it throws on a Node that is too old
  require('./supported-node.cjs');
  import('../dist/cli/main.js')
    .then(function (cli) {
      return cli.main(process.argv.slice(2));
    })
    .then(exit, fail);
} catch (error) {
  console.error(error.message);
  exit(EXIT_CONFIGURATION);
}
