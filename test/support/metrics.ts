/** The address of a gateway. */
interface Asked {
  readonly url: string;
}

/** The text of `/metrics`. */
export async function metricsOf({ url }: Asked): Promise<string> {
  return (await fetch(`${url}/metrics`)).text();
}

/** The bytes that the gateway's WebSockets hold, by its own metric. */
export async function bufferedBytes(gateway: Asked): Promise<number> {
  return Number(/^websocket_buffered_bytes\{.*\} (\d+)$/m.exec(await metricsOf(gateway))![1]);
}

/** Reads `/metrics` until the condition is true. The timeout of the test is the limit. */
export async function untilBuffered(gateway: Asked, isEnough: (bytes: number) => boolean): Promise<number> {
  for (;;) {
    const bytes = await bufferedBytes(gateway);
    if (isEnough(bytes)) return bytes;
  }
}
