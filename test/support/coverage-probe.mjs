// Loaded into a process of the product: tells which of its files have run since it was last asked.
import { Session } from 'node:inspector/promises';

const session = new Session();
session.connect();
await session.post('Profiler.enable');
await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });

/** Asking sets the counts back to zero. */
async function tell() {
  const { result } = await session.post('Profiler.takePreciseCoverage');
  const ran = result.filter(({ functions }) => functions.some(({ ranges }) => ranges[0].count > 0));
  process.send(ran.map(({ url }) => url));
}

process.on('message', () => void tell());
