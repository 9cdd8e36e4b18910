'use strict';

// Throws on a Node without the functions that the gateway needs: `shouldUpgradeCallback` of node:http, and `require` of ES
// modules. The only syntax here is that of old versions, so that they can read the line that says so.

var range = require('../package.json').engines.node;

/** Whether a version is in a range of the form `^22.21 || ^24.9 || >=26`. */
function isSupported(version) {
  var numbers = version.split('.').map(Number);
  return range.split(' || ').some(function (part) {
    var least = part.replace(/^\D+/, '').split('.').map(Number);
    if (part.charAt(0) !== '^' && numbers[0] > least[0]) return true;
    return numbers[0] === least[0] && numbers[1] >= (least[1] || 0);
  });
}

if (!isSupported(process.versions.node)) {
  var error = new Error(
    '@secureconnect/gateway needs Node ' + range + ', and this is Node ' + process.versions.node + '.',
  );
  // Node prints the stack of an uncaught error. The frames would hide the line.
  error.stack = 'Error: ' + error.message;
  throw error;
}
