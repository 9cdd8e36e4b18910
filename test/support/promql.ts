/** Words of PromQL that are no names of metrics. Functions are recognized by their parenthesis. */
const WORDS = new Set(['and', 'or', 'unless', 'bool', 'offset', 'inf', 'nan', 'e6']);
const LABEL_LISTS = /\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g;

/** The names of the metrics that an expression reads. */
export function metricsIn(expression: string): string[] {
  const bare = expression
    .replaceAll(/"(?:[^"\\]|\\.)*"/g, '')
    .replaceAll(/\{[^}]*\}/g, ' ')
    .replaceAll(/\[[^\]]*\]/g, ' ')
    .replaceAll(LABEL_LISTS, ' ')
    .replaceAll(/\b\d[\w.]*/g, ' ');
  const names = bare.matchAll(/[a-zA-Z_:][\w:]*(?!\w|\s*\()/g);
  return [...new Set([...names].map(([name]) => name).filter((name) => !WORDS.has(name)))];
}

/** All names of metrics in this text, including those without a series yet. */
export function metricsOfferedBy(text: string): string[] {
  return [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].flatMap(([, name, type]) => {
    if (type === 'histogram') return [`${name}_bucket`, `${name}_sum`, `${name}_count`];
    return type === 'summary' ? [name!, `${name}_sum`, `${name}_count`] : [name!];
  });
}
