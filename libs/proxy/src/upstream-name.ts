/** Which names `isUpstreamName` accepts, for errors. */
export const NAME_RULE =
  "An upstream's name begins with a lower case letter, and has lower case letters, digits and single dashes";

/** An upstream's name as one or more words of lower case letters and digits, joined by dashes. */
const NAME = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/;

export function isUpstreamName(name: string): boolean {
  return NAME.test(name);
}

/** The name by which settings know an upstream: `billing` for `billing` and for `billing-service`. */
export function settingNameOf(upstream: string): string {
  return upstream.replace(/-service$/, '');
}
