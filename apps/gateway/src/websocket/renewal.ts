/**
 * The one message that is for the gateway and not for the service, on routes that close at a token's expiry. The
 * client sends a text that begins with exactly this, a JSON object with a fresh access token of the same user:
 * `{"gateway:renew":"TOKEN"}`. The answer is `{"gateway:renewed":EXP}`, with the new `exp` in seconds since 1970, or
 * `{"gateway:renewal_failed":"MESSAGE"}`, after which the old token counts on.
 */
const PREFIX = '{"gateway:renew"';

/** Longer than any token that fits into a request's headers. */
const LIMIT_BYTES = 16 * 1024;

/** Whether a client's message is for the gateway. */
export function isRenewal(data: Buffer, isBinary: boolean): boolean {
  return !isBinary && data.length <= LIMIT_BYTES && data.toString('latin1', 0, PREFIX.length) === PREFIX;
}

/** The token of a renewal; undefined where the message is broken. */
export function tokenOf(data: Buffer): string | undefined {
  try {
    const message = JSON.parse(data.toString()) as Record<string, unknown>;
    const token = message['gateway:renew'];
    return typeof token === 'string' ? token : undefined;
  } catch {
    return undefined;
  }
}

export function renewed(expiresAt: number): string {
  return JSON.stringify({ 'gateway:renewed': expiresAt });
}

export function renewalFailed(message: string): string {
  return JSON.stringify({ 'gateway:renewal_failed': message });
}
