/** Limits the number of series of a metric. The first ones are kept. */
export class SeriesLimit {
  private readonly known = new Set<string>();

  constructor(private readonly limit: number) {}

  /**
   * Adds a series, unless the limit is reached.
   *
   * @param series values of its labels
   * @returns whether the series is kept
   */
  tryAdd(series: string): boolean {
    if (this.known.has(series)) return true;
    if (this.known.size >= this.limit) return false;
    this.known.add(series);
    return true;
  }
}
