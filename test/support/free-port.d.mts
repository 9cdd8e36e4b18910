/** A port that was free a moment ago, for programs that need their port before they listen. */
export function freePort(host?: string): Promise<number>;
