/** What is printed of findings of one kind. */
const MOST_SHOWN = 8;

/** Counts assertions, and collects those of the present batch that do not hold. */
export class Report {
  passed = 0;
  failed = 0;
  #findings = new Map();

  /** One assertion: it holds if there is no fault. */
  check(name, faults) {
    if (faults.length === 0 && !this.#findings.has(name)) this.passed++;
    for (const fault of faults) this.add(name, fault);
  }

  /** Something that a client or a service saw and that must never be. */
  add(name, fault) {
    this.#findings.set(name, [...(this.#findings.get(name) ?? []), fault]);
  }

  /** The findings of a batch as lines, and forgets them. */
  take() {
    const lines = [];
    for (const [name, faults] of this.#findings) {
      this.failed++;
      lines.push(`FAILED ${name}`, ...faults.slice(0, MOST_SHOWN).map((fault) => `    ${fault}`));
      if (faults.length > MOST_SHOWN) lines.push(`    and ${faults.length - MOST_SHOWN} more`);
    }
    this.#findings.clear();
    return lines;
  }
}
