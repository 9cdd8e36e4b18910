/** Rows as columns of one width each, two blanks apart. The last column keeps its width. */
export function toColumns(rows: readonly (readonly string[])[]): string[] {
  const widths = rows.reduce<number[]>((most, row) => {
    row.forEach((cell, index) => (most[index] = Math.max(most[index] ?? 0, cell.length)));
    return most;
  }, []);
  return rows.map((row) =>
    row
      .map((cell, index) => cell.padEnd(widths[index]!))
      .join('  ')
      .trimEnd(),
  );
}
