/** A case that every implementation of a replaceable part must pass. */
export interface KitCase<Part> {
  /** A sentence about the part: 'counts each key by itself'. */
  readonly name: string;
  /**
   * Runs the case. It closes the part behind it if the part has `Symbol.asyncDispose` or `Symbol.dispose`.
   * @param create makes a new part; it may use again what others have written: no two cases share a key
   * @throws AssertionError, of `node:assert`, if the part does not pass
   */
  run(create: () => Part | Promise<Part>): Promise<void>;
}

/** A case of a kit, by what it demands of one new part. */
export function kitCase<Part extends object>(
  name: string,
  check: (part: Part) => void | Promise<void>,
): KitCase<Part> {
  return {
    name,
    async run(create) {
      const part = await create();
      try {
        await check(part);
      } finally {
        await close(part);
      }
    },
  };
}

async function close(part: object): Promise<void> {
  const { [Symbol.asyncDispose]: closeLater, [Symbol.dispose]: closeNow } = part as Partial<
    AsyncDisposable & Disposable
  >;
  await closeLater?.call(part);
  closeNow?.call(part);
}
