import { describeRow } from './describe-row.js';
import { entriesOf, type Entry, type Family, type Setting, type Table } from './setting.js';
import { TABLE } from './settings.js';

export type JsonSchema = Readonly<Record<string, unknown>>;

/** A JSON schema (2020-12) of the variables, for editors and for tools that write environments. */
export function settingsSchema(table: Table = TABLE): JsonSchema {
  const entries = entriesOf(table).filter(({ row }) => row.variable !== undefined);
  const families = entries.filter(({ row }) => row.kind === 'family');
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Variables of the gateway',
    type: 'object',
    properties: Object.fromEntries(
      entries.flatMap((entry) => (entry.row.kind === 'setting' ? propertiesOf(entry, entry.row) : [])),
    ),
    patternProperties: Object.fromEntries(
      families.map((entry) => [(entry.row as Family<unknown>).pattern.source, schemaOf(entry)]),
    ),
  };
}

function propertiesOf(entry: Entry, row: Setting<unknown>): [string, JsonSchema][] {
  const own: [string, JsonSchema] = [row.variable!, schemaOf(entry)];
  if (!row.isSecret) return [own];
  return [own, [`${row.variable}_FILE`, { type: 'string', description: `A file with ${row.variable}.` }]];
}

function schemaOf(entry: Entry): JsonSchema {
  const { row } = entry;
  const schema = { description: `${describeRow(entry).meaning} It takes ${row.takes}.` };
  const own = row.kind === 'family' || row.default === undefined ? undefined : row.format(row.default);
  if (row.bounds) {
    const [minimum, maximum] = row.bounds;
    const type = row.isFractional ? 'number' : 'integer';
    return { ...schema, type, minimum, maximum, ...(own && { default: Number(own) }) };
  }
  return {
    ...schema,
    type: 'string',
    ...(row.choices && { enum: row.choices }),
    ...(own && { default: own }),
  };
}
