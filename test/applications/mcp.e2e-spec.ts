import { randomUUID } from 'node:crypto';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { Upstream } from '@app/proxy';
import { Module } from '@nestjs/common';
import { z } from 'zod';
import { bearer, startGateway, type RunningGateway } from '../support/gateway.js';
import { startService } from '../support/service.js';

@Upstream({
  name: 'tools-service',
  instances: ['http://127.0.0.1:3000'],
  // A session is in the memory of the instance that opened it.
  affinity: { by: 'client', loadFactor: Infinity },
  routes: [{ methods: ['POST', 'GET', 'DELETE'], path: '/mcp' }],
})
class ToolsUpstream {}

@Module({ providers: [ToolsUpstream] })
class ToolsModule {}

function createTools(): McpServer {
  const server = new McpServer({ name: 'tools', version: '1.0.0' });
  server.registerTool(
    'count',
    { inputSchema: { to: z.number() } },
    async ({ to }, { sendNotification, _meta }) => {
      for (let progress = 1; progress <= to; progress++) {
        await sendNotification({
          method: 'notifications/progress',
          params: { progressToken: _meta!.progressToken!, progress, total: to },
        });
      }
      return { content: [{ type: 'text', text: `counted to ${to}` }] };
    },
  );
  server.registerTool('announce', {}, async () => {
    // Without a request it belongs to, it comes over the stream of a GET.
    server.sendToolListChanged();
    return { content: [] };
  });
  return server;
}

/** An MCP server with a session for each client. */
function startTools(
  sessions = new Map<string, StreamableHTTPServerTransport>(),
): ReturnType<typeof startService> {
  const open = async (): Promise<StreamableHTTPServerTransport> => {
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => void sessions.set(id, transport),
      onsessionclosed: (id) => void sessions.delete(id),
    });
    await createTools().connect(transport);
    return transport;
  };
  return startService(async (request, response) => {
    const id = request.headers['mcp-session-id'] as string | undefined;
    const transport = id === undefined ? await open() : sessions.get(id);
    if (transport) await transport.handleRequest(request, response);
    else response.writeHead(404).end();
  });
}

const startToolsGateway = (...urls: string[]): Promise<RunningGateway> =>
  startGateway({ modules: [ToolsModule], env: { TOOLS_SERVICE_URL: urls.join() } });

function transportTo(
  { url }: RunningGateway,
  headers: Record<string, string>,
): StreamableHTTPClientTransport {
  return new StreamableHTTPClientTransport(new URL(`${url}/mcp`), { requestInit: { headers } });
}

describe('MCP over streamable HTTP', () => {
  it('opens a session, calls a tool with progress, and ends the session', async () => {
    const sessions = new Map<string, StreamableHTTPServerTransport>();
    await using service = await startTools(sessions);
    await using gateway = await startToolsGateway(service.url);
    const client = new Client({ name: 'test', version: '1.0.0' });
    const transport = transportTo(gateway, bearer());
    await client.connect(transport);
    const seen: number[] = [];

    const { content } = await client.callTool({ name: 'count', arguments: { to: 3 } }, undefined, {
      onprogress: ({ progress }) => void seen.push(progress),
    });

    expect([seen, content]).toEqual([[1, 2, 3], [{ type: 'text', text: 'counted to 3' }]]);
    expect([...sessions.keys()]).toEqual([transport.sessionId]);
    await transport.terminateSession();
    expect(sessions.size).toBe(0);
    await client.close();
  });

  it('hears what the server sends of its own accord', async () => {
    await using service = await startTools();
    await using gateway = await startToolsGateway(service.url);
    const { promise: changed, resolve } = Promise.withResolvers<void>();
    const client = new Client(
      { name: 'test', version: '1.0.0' },
      { listChanged: { tools: { autoRefresh: false, debounceMs: 0, onChanged: () => resolve() } } },
    );
    // The client opens a stream behind the handshake, and does not say when it is open.
    const { promise: streaming, resolve: opened } = Promise.withResolvers<void>();
    service.server.on('request', ({ method }) => void (method === 'GET' && opened()));
    await client.connect(transportTo(gateway, bearer()));
    await streaming;

    await client.callTool({ name: 'announce' });

    await changed;
    await client.close();
  });

  it('keeps its session at one of two instances', async () => {
    await using first = await startTools();
    await using second = await startTools();
    await using gateway = await startToolsGateway(first.url, second.url);
    const client = new Client({ name: 'test', version: '1.0.0' });
    await client.connect(transportTo(gateway, bearer()));

    for (let call = 0; call < 10; call++) {
      expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['count', 'announce']);
    }
    await client.close();
  });

  it('is refused without a token', async () => {
    await using service = await startTools();
    await using gateway = await startToolsGateway(service.url);
    const client = new Client({ name: 'test', version: '1.0.0' });

    await expect(client.connect(transportTo(gateway, {}))).rejects.toMatchObject({
      code: 401,
    });
  });
});
