/**
 * Whether a text is an address of instances: scheme, host and port, and nothing more; or `dns://host:port` for all addresses
 * of a name.
 */
export function isInstanceAddress(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, href, origin, host, port } = new URL(text);
  if (protocol === 'dns:') return Number(port) > 0 && href.replace(/\/$/, '') === `dns://${host}`;
  return /^https?:$/.test(protocol) && href === `${origin}/`;
}
