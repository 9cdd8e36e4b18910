/** Addresses of this machine. The service listens on the same port of each: that many instances. */
export const HOSTS = Array.from({ length: 200 }, (_, index) => `127.0.0.${index + 1}`);
