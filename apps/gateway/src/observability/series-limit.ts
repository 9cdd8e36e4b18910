/** Lets a metric have so many series, those that come first, and no more. */
export class SeriesLimit {
  private readonly known = new Set<string>();

  constructor(private readonly most: number) {}

  /** Whether a series, named by the values of its labels, is one of them. */
  has(series: string): boolean {
    if (this.known.has(series)) return true;
    if (this.known.size >= this.most) return false;
    this.known.add(series);
    return true;
  }
}
