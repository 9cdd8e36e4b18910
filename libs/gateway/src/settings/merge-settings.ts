import type { GatewaySettings } from './settings.js';

/** Merges settings group by group. Lists and other values of the second replace those of the first. */
export function mergeSettings(first: GatewaySettings, second: GatewaySettings): GatewaySettings {
  return merged(first, second);
}

function merged(first: object, second: object): object {
  const all = new Map(Object.entries(first));
  for (const [name, value] of Object.entries(second)) {
    const own: unknown = all.get(name);
    all.set(name, isGroup(own) && isGroup(value) ? merged(own, value) : value);
  }
  return Object.fromEntries(all);
}

const isGroup = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
