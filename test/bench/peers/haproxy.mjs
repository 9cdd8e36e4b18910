/** haproxy as a bare proxy: one thread, kept connections to the service, no log. */
export function haproxyConfiguration({ port, service }) {
  const { host } = new URL(service);
  return `
global
  nbthread 1
  maxconn 5200
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  timeout tunnel 1h
  option forwardfor
  # Or each event waits for the next.
  option http-no-delay
  http-reuse always
listen proxy
  bind 127.0.0.1:${port} backlog 4096
  server service ${host} pool-max-conn 256
`;
}
