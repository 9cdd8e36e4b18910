/** Runs a load. @returns requests per second, their latencies, and the CPU time of the target for each */
export async function timed(proxy, run) {
  const before = await proxy.cpuUs();
  const { requests: done, elapsedMs, ...latencies } = await run();
  const cpuUs = ((await proxy.cpuUs()) - before) / done;
  const perSecond = (done / elapsedMs) * 1_000;
  return { perSecond, ...latencies, cpuUs, corePercent: (perSecond * cpuUs) / 10_000 };
}
