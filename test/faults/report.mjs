const WIDTHS = [40, 9, 7, 9, 8, 8, 8, 12];
const HEADS = ['phase', 'requests', 'failed', 'share %', 'p50 ms', 'p99 ms', 'max ms', 'recover ms'];

/** What the bench prints: a row for each phase, and the assertions that do not hold. */
export class Report {
  assertions = [];

  constructor() {
    print(HEADS, 'failures');
  }

  row({ name }, { requests, failedReads, failedWrites, share, failures, p50, p99, longest, recoveryMs }) {
    const kinds = Object.entries(failures).map(([kind, count]) => `${count} ${kind}`);
    const failed = failedReads + failedWrites;
    const recovery =
      recoveryMs === undefined ? '' : Number.isFinite(recoveryMs) ? recoveryMs.toFixed(0) : 'never';
    const times = [p50, p99, longest].map((ms) => ms.toFixed(1));
    const cells = [name, requests, failed, (share * 100).toFixed(2), ...times, recovery];
    print(cells, kinds.join(', '));
  }

  note(text) {
    console.log(text);
  }

  assert(phase, name, holds, detail) {
    this.assertions.push({ phase, name, holds, detail: holds ? undefined : detail });
  }

  get failed() {
    return this.assertions.filter(({ holds }) => !holds).length;
  }

  /** The assertions that do not hold, and a last line that any tool can read. */
  end() {
    for (const { phase, name, holds, detail } of this.assertions) {
      if (!holds) console.log(`FAILED ${phase}: ${name}\n    ${detail}`);
    }
    console.log(`${this.assertions.length - this.failed} passed, ${this.failed} failed`);
  }
}

function print(cells, rest) {
  const padded = cells.map((cell, index) =>
    index === 0 ? String(cell).padEnd(WIDTHS[0]) : String(cell).padStart(WIDTHS[index]),
  );
  console.log(`${padded.join('')}  ${rest}`.trimEnd());
}
