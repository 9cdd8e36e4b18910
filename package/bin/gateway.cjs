#!/usr/bin/env node
'use strict';

/** EX_CONFIG of sysexits.h, as for a wrong setting. */
var EXIT_CONFIGURATION = 78;

function run() {
  import('../dist/cli/main.js')
    .then(function (cli) {
      return cli.main(process.argv.slice(2));
    })
    .then(
      function (code) {
        process.exitCode = code;
      },
      function (error) {
        console.error(error);
        process.exitCode = 1;
      },
    );
}

try {
  require('./supported-node.cjs');
  run();
} catch (error) {
  console.error(error.message);
  process.exitCode = EXIT_CONFIGURATION;
}
