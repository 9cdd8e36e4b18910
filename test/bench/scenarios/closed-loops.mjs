import { runRequests } from '../load/requests.mjs';
import { PATHS, UPLOAD_BYTES } from '../service/bodies.mjs';
import { timed } from './timed.mjs';
import { validateRequest } from './validate.mjs';

/** Each client sends its next request as soon as it has the response to the one before, so that targets do all that they can. */
export const CLOSED_LOOPS = [
  requests({ key: 'get-50', title: '1 KB GET, 50 connections', path: PATHS.small, connections: 50 }),
  requests({ key: 'get-200', title: '1 KB GET, 200 connections', path: PATHS.small, connections: 200 }),
  requests({
    key: 'get-1000',
    title: '1 KB GET, 1,000 connections',
    targets: ['gateway', 'gateway-bare', 'nest-hpm', 'go'],
    path: PATHS.small,
    connections: 1_000,
  }),
  requests({
    key: 'post',
    title: '64 KB POST, 50 connections',
    path: PATHS.small,
    connections: 50,
    upload: UPLOAD_BYTES,
  }),
  requests({ key: 'download', title: '1 MiB download, 16 connections', path: PATHS.large, connections: 16 }),
];

function requests({ path, connections, upload = 0, ...scenario }) {
  return {
    ...scenario,
    unit: 'request',
    protocol: 'http',
    validate: (bench, proxy) => validateRequest(bench, proxy, path, upload),
    round: ({ generator, cores, users }, proxy, seconds) =>
      timed(proxy, () =>
        runRequests({
          generator,
          core: cores.load,
          url: proxy.url + path,
          connections,
          seconds,
          users,
          upload,
        }),
      ),
  };
}
