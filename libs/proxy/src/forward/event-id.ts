/** The fields of an event by which a stream can be resumed. */
export interface EventPosition {
  /** The value of its last `id`, each character one byte; undefined if it has none. */
  readonly id: string | undefined;
  /** Whether it has data, so that clients get it. */
  readonly hasData: boolean;
}

/** Reads a whole event (HTML standard, section 9.2.6). @param event each character is one byte */
export function positionOf(event: string): EventPosition {
  let id: string | undefined;
  let hasData = false;
  for (const line of event.split(/\r\n|\r|\n/)) {
    const [name] = line.split(':', 1);
    if (name === 'data') hasData = true;
    if (name !== 'id') continue;
    const value = line.slice('id:'.length).replace(/^ /, '');
    if (!value.includes('\0')) id = value;
  }
  return { id, hasData };
}

/** A value of `Last-Event-ID` that arrives as it is sent: no controls, and no blanks at its ends. */
const SENDABLE = /^[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]{0,1022}[\x21-\x7e\x80-\xff])?$/;

/** Whether a service can be asked for what follows an id. */
export function isSendableId(id: string): boolean {
  return SENDABLE.test(id);
}
