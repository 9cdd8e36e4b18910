import { registerHooks } from 'node:module';

/** The module of the product that draws randomness, as the simulation has it. */
const RANDOM = {
  url: /\/libs\/proxy\/src\/http\/random\.ts$/,
  source: `
    export const randomFraction = () => globalThis.simulation.random.uint32() / 2 ** 32;
    export const randomId = () => globalThis.simulation.random.uuid();
    export const randomNonce = () => 'c2l4dGVlbiBieXRlcyEhIQ==';`,
};

/** Modules that open connections, and what they get for Node's `net`. */
const DIALLERS =
  /\/libs\/proxy\/src\/transport\/dial\.ts$|\/ioredis\/built\/connectors\/StandaloneConnector\.js$/;
const NET = {
  url: 'simulation:net',
  source: 'exports.connect = exports.createConnection = (options) => globalThis.simulation.dial(options);',
};

/**
 * Lets the simulation open the product's connections and draw its randomness. To be called before the product is imported.
 * Libraries draw from `Math.random` as before: how often they do depends on earlier plays, and nothing that is seen depends
 * on what they draw.
 * @param simulation `dial(options)` and `random`
 */
export function substitute(simulation) {
  globalThis.simulation = simulation;
  registerHooks({
    resolve(specifier, context, next) {
      if (specifier.replace('node:', '') !== 'net' || !DIALLERS.test(context.parentURL ?? ''))
        return next(specifier, context);
      return { url: NET.url, format: 'commonjs', shortCircuit: true };
    },
    load(url, context, next) {
      if (url === NET.url) return { source: NET.source, format: 'commonjs', shortCircuit: true };
      if (RANDOM.url.test(url)) return { source: RANDOM.source, format: 'module', shortCircuit: true };
      return next(url, context);
    },
  });
}
