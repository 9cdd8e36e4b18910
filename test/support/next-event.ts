/** Emitters of browsers and clients, which are no `EventEmitter` of Node. */
interface Emitter {
  once(name: never, listener: (...values: never[]) => void): unknown;
}

/** The values of the next event of this name. */
export function nextEvent(emitter: Emitter, name: string): Promise<unknown[]> {
  return new Promise((resolve) => emitter.once(name as never, (...values: unknown[]) => resolve(values)));
}
