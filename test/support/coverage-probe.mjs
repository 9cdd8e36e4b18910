// Loaded into a process of the product: reports the files that have run since the last report.
import { Session } from 'node:inspector/promises';

const session = new Session();
session.connect();
await session.post('Profiler.enable');
await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });

/** Reading resets the counts to zero. */
async function tell() {
  const { result } = await session.post('Profiler.takePreciseCoverage');
  const ran = result.filter(({ functions }) => functions.some(({ ranges }) => ranges[0].count > 0));
  process.send(ran.map(({ url }) => url));
}

process.on('message', () => void tell());
