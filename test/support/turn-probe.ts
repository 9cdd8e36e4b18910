/** Measures the CPU time of each turn of this process's event loop. Other load of the machine does not count. */
export class TurnProbe implements Disposable {
  /** Milliseconds of CPU of the main thread. */
  longestMs = 0;
  private before = process.threadCpuUsage();
  private immediate = setImmediate(() => this.look());

  [Symbol.dispose](): void {
    clearImmediate(this.immediate);
  }

  private look(): void {
    const { user, system } = process.threadCpuUsage(this.before);
    this.longestMs = Math.max(this.longestMs, (user + system) / 1000);
    this.before = process.threadCpuUsage();
    this.immediate = setImmediate(() => this.look());
  }
}
