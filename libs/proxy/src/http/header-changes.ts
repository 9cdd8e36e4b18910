import { canonicalName, fieldNameFault, fieldValueFault } from '../transport/field-names.js';

/** A field that is added to a message. */
export interface AddedField {
  readonly name: string;
  /** The name in its canonical form. */
  readonly canonical: string;
  readonly value: string;
}

/**
 * Changes of the headers of one message. A name stands for all spellings that a service may read as the same: in any case,
 * and with any mark for `-`.
 */
export class HeaderChanges {
  private readonly removed = new Set<string>();
  private added: AddedField[] = [];

  /**
   * Replaces all fields of this name, those of the client too. Without a value it removes them, so that the service does
   * not take a value of the client for the gateway's.
   * @param value visible ASCII, blanks and tabs; `encodeHeaderValue` makes one of any text
   * @throws TypeError if the name or the value cannot be set
   */
  set(name: string, value: string | undefined): void {
    this.remove(name);
    if (value !== undefined) this.add(name, value);
  }

  /** Adds a field behind others of this name. @throws TypeError as `set` */
  add(name: string, value: string): void {
    const fault = fieldNameFault(name) ?? fieldValueFault(value);
    // Without the value, which may be a secret.
    if (fault !== undefined) throw new TypeError(`The header ${JSON.stringify(name)} ${fault}`);
    this.added.push({ name, canonical: canonicalName(name.toLowerCase()), value });
  }

  /** Removes all fields of this name. @throws TypeError if the name cannot be removed */
  remove(name: string): void {
    const fault = fieldNameFault(name);
    if (fault !== undefined) throw new TypeError(`The header ${JSON.stringify(name)} ${fault}`);
    const canonical = canonicalName(name.toLowerCase());
    this.removed.add(canonical);
    this.added = this.added.filter((field) => field.canonical !== canonical);
  }

  /**
   * Makes further changes, but for names that were set or removed before. A field that was added before stands in place of
   * further ones if its name is among the removed. The fields were checked.
   */
  include(removed: ReadonlySet<string>, added: Iterable<AddedField>): void {
    const before = new Set(this.removed);
    for (const { canonical } of this.added) if (removed.has(canonical)) before.add(canonical);
    for (const canonical of removed) this.removed.add(canonical);
    for (const field of added) if (!before.has(field.canonical)) this.added.push(field);
  }

  /** Whether fields of this name are replaced or removed. */
  hasRemoved(name: string): boolean {
    return this.removed.has(canonicalName(name.toLowerCase()));
  }

  /** The fields of a message that are not removed. @param fields name, value, name, value */
  keptOf(fields: readonly string[]): string[] {
    const kept: string[] = [];
    for (let index = 0; index < fields.length; index += 2) {
      if (!this.hasRemoved(fields[index]!)) kept.push(fields[index]!, fields[index + 1]!);
    }
    return kept;
  }

  /**
   * The fields of a message with the changes.
   * @param fields name, value, name, value
   * @param ownLength how many texts at the end are the gateway's own, and stay. Default: 0
   */
  applyTo(fields: readonly string[], ownLength = 0): string[] {
    const end = fields.length - ownLength;
    const changed = this.keptOf(ownLength === 0 ? fields : fields.slice(0, end));
    for (const { name, value } of this.added) changed.push(name, value);
    for (let index = end; index < fields.length; index++) changed.push(fields[index]!);
    return changed;
  }
}

/** Characters that are encoded: all but blanks and visible ASCII, and `%` itself, so that the text can be read back. */
const ENCODED = /[^\x20-\x24\x26-\x7e]|^ | $/gu;

/**
 * A text as the value of a header: its bytes in UTF-8 other than visible ASCII, and `%`, are percent-encoded (RFC 3986,
 * section 2.1). `decodeURIComponent` reads it back.
 * @returns undefined for an empty text, and for one with half a surrogate pair, which has no bytes
 */
export function encodeHeaderValue(text = ''): string | undefined {
  return text === '' || !text.isWellFormed() ? undefined : text.replaceAll(ENCODED, encodeURIComponent);
}
