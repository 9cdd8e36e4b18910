/** Where a gateway is asked. */
interface Asked {
  readonly url: string;
}

/** What `/metrics` says now. */
export async function metricsOf({ url }: Asked): Promise<string> {
  return (await fetch(`${url}/metrics`)).text();
}

/** What the sockets of the gateway hold, as it says itself. */
export async function bufferedBytes(gateway: Asked): Promise<number> {
  return Number(/^websocket_buffered_bytes\{.*\} (\d+)$/m.exec(await metricsOf(gateway))![1]);
}

/** Asks until it is so; the test's own time is the limit. */
export async function untilBuffered(gateway: Asked, isEnough: (bytes: number) => boolean): Promise<number> {
  for (;;) {
    const bytes = await bufferedBytes(gateway);
    if (isEnough(bytes)) return bytes;
  }
}
