/** nginx as a bare proxy: one worker, kept connections to the service, no log. One process, so that nothing outlives it. */
export function nginxConfiguration({ port, service, directory }) {
  const { host } = new URL(service);
  return `
daemon off;
master_process off;
pid ${directory}/nginx.pid;
error_log stderr;
events { worker_connections 12000; }
http {
  access_log off;
  client_body_temp_path ${directory}/body;
  proxy_temp_path ${directory}/proxy;
  fastcgi_temp_path ${directory}/fastcgi;
  uwsgi_temp_path ${directory}/uwsgi;
  scgi_temp_path ${directory}/scgi;
  keepalive_requests 1000000000;
  client_body_buffer_size 128k;
  map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
  upstream service { server ${host}; keepalive 256; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    proxy_http_version 1.1;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection $connection_upgrade;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    proxy_max_temp_file_size 0;
    error_page 418 = @large;
    location / {
      if ($arg_body = large) { return 418; }
      proxy_pass http://service;
    }
    # Buffers that a small response, or a WebSocket, would only have to pay for.
    location @large {
      proxy_buffer_size 64k;
      proxy_buffers 16 64k;
      proxy_busy_buffers_size 128k;
      proxy_pass http://service;
    }
  }
}
`;
}
