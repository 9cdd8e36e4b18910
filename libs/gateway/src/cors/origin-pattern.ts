/** One label of a host name as browsers write it. */
const LABEL = /^[a-z0-9_-]+$/;

/** An allowed origin such as `https://*.example.com`, where `*` stands for exactly one label. */
export class OriginPattern {
  private readonly start: string;
  private readonly end: string;

  /** @param pattern with one `*`, as the settings accept it */
  constructor(pattern: string) {
    [this.start, this.end] = pattern.split('*') as [string, string];
  }

  matches(origin: string): boolean {
    if (!origin.startsWith(this.start) || !origin.endsWith(this.end)) return false;
    return LABEL.test(origin.slice(this.start.length, -this.end.length));
  }
}
