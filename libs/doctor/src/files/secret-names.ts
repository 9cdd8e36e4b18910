/** Names of variables with a secret. */
const SECRET =
  /SECRET|PASSWORD|PASSWD|PASSPHRASE|TOKEN|(?:PRIVATE|SIGNING|ENCRYPTION|API|ACCESS)_?KEY|CREDENTIALS|(?:^|_)PASS$/i;

/** Names of variables with the place, the length or the lifetime of a secret. */
const ABOUT_SECRET = /_(FILE|DIR|PATH|TTL|MS|SECONDS|EXPIRY|LENGTH|BYTES|URL)$/i;

/** Whether a variable of this name holds a secret. */
export function holdsSecret(name: string): boolean {
  return SECRET.test(name) && !ABOUT_SECRET.test(name);
}
