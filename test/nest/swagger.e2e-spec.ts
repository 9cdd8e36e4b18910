import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { GatewayModule, Upstream, withGatewayRoutes } from '@app/gateway';
import { Controller, Get, Module, Param, Post } from '@nestjs/common';
import type { NestExpressApplication } from '@nestjs/platform-express';
import {
  ApiBearerAuth,
  ApiProperty,
  DocumentBuilder,
  SwaggerModule,
  type OpenAPIObject,
} from '@nestjs/swagger';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { startGateway } from '../support/gateway.js';
import { startService } from '../support/service.js';

@Upstream({
  name: 'shop',
  instances: ['http://127.0.0.1:9'],
  routes: [
    { methods: ['GET', 'DELETE'], path: '/items/:id' },
    { methods: ['GET'], path: '/files/*rest', auth: 'none' },
    { methods: ['GET'], path: '/reports/:year', auth: 'none' },
  ],
})
class ShopUpstream {}

/** Has the name of a schema of the gateway. */
class Error {
  @ApiProperty()
  text!: string;
}

@Controller()
class TeamController {
  @Get('reports')
  list(): Error[] {
    return [];
  }

  /** The gateway's route has this path and method too, and takes the request. */
  @Get('reports/:id')
  @ApiBearerAuth()
  read(@Param('id') id: string): string {
    return id;
  }

  @Post('reports/:id')
  @ApiBearerAuth()
  write(@Param('id') id: string): string {
    return id;
  }
}

@Module({
  imports: [GatewayModule.forRoot({ title: 'Shop' })],
  controllers: [TeamController],
  providers: [ShopUpstream],
})
class TeamModule {}

interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly { readonly name: string }[];
  readonly security?: readonly object[];
  readonly responses: Readonly<Record<string, { readonly $ref?: string }>>;
}

const config = new DocumentBuilder().setTitle('Team').setOpenAPIVersion('3.1.0').addBearerAuth().build();

const POLICY = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:";

function setUp(app: NestExpressApplication, builder = config): void {
  app.use('/docs', (_request: IncomingMessage, response: ServerResponse, next: () => void) => {
    response.setHeader('Content-Security-Policy', POLICY);
    next();
  });
  SwaggerModule.setup('docs', app, () => withGatewayRoutes(app, SwaggerModule.createDocument(app, builder)));
}

async function readDocument(url: string): Promise<OpenAPIObject> {
  return (await (await fetch(`${url}/docs-json`)).json()) as OpenAPIObject;
}

const operationOf = ({ paths }: OpenAPIObject, path: string, method: 'get' | 'post'): Operation =>
  paths[path]?.[method] as Operation;

describe('the document of @nestjs/swagger', () => {
  it('has the routes of the gateway and the controllers of the team, each once', async () => {
    await using gateway = await startGateway({ root: TeamModule, configure: setUp });

    const document = await readDocument(gateway.url);

    expect(document.info.title).toBe('Team');
    expect(Object.keys(document.paths).toSorted()).toEqual([
      '/files/{rest}',
      '/health',
      '/health/live',
      '/health/ready',
      '/items/{id}',
      '/metrics',
      '/reports',
      '/reports/{id}',
      '/swagger',
    ]);
    expect(operationOf(document, '/health', 'get').responses).toHaveProperty('2XX');
    const ids = Object.values(document.paths).flatMap((item) =>
      Object.values(item as Record<string, Operation>).flatMap(({ operationId }) => operationId ?? []),
    );
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('shows who gets a request that both have a route for', async () => {
    await using service = await startService((request, response) => response.end(request.url));
    await using gateway = await startGateway({
      root: TeamModule,
      configure: setUp,
      env: { SHOP_SERVICE_URL: service.url },
    });

    const document = await readDocument(gateway.url);

    expect(await (await fetch(`${gateway.url}/reports/2026`)).text()).toBe('/reports/2026');
    expect(operationOf(document, '/reports/{id}', 'get')).toMatchObject({
      operationId: 'get_reports_year',
      parameters: [{ name: 'id' }],
    });
    expect(operationOf(document, '/reports/{id}', 'post')).toMatchObject({
      operationId: 'TeamController_write',
      parameters: [{ name: 'id' }],
    });
  });

  it('keeps the components of the team', async () => {
    await using gateway = await startGateway({ root: TeamModule, configure: setUp });

    const { components, paths } = await readDocument(gateway.url);

    expect(components!.securitySchemes).toEqual(config.components!.securitySchemes);
    expect(Object.keys(components!.schemas!)).toEqual(expect.arrayContaining(['GatewayError']));
    expect(paths['/items/{id}']!.get!.security).toEqual([{ bearer: [] }]);
    for (const [, name] of JSON.stringify({ paths, components }).matchAll(
      /"#\/components\/responses\/(\w+)"/g,
    ))
      expect(components!.responses).toHaveProperty(name!);
  });

  it('gives its security scheme another name beside a foreign one', async () => {
    const foreign = new DocumentBuilder().addApiKey(
      { type: 'apiKey', in: 'header', name: 'X-Key' },
      'bearer',
    );
    await using gateway = await startGateway({
      root: TeamModule,
      configure: (app) => setUp(app, foreign.build()),
    });

    const { components, paths } = await readDocument(gateway.url);

    expect(components!.securitySchemes).toMatchObject({
      bearer: { type: 'apiKey' },
      GatewayBearer: { type: 'http', scheme: 'bearer' },
    });
    expect(paths['/items/{id}']!.get!.security).toEqual([{ GatewayBearer: [] }]);
    expect(paths['/reports/{id}']!.post!.security).toEqual([{ bearer: [] }]);
  });

  it('is valid OpenAPI 3.1', async () => {
    await using gateway = await startGateway({ root: TeamModule, configure: setUp });
    const schema = JSON.parse(readFileSync('test/openapi/openapi-3.1.schema.json', 'utf8')) as object;
    const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(schema);

    validate(await readDocument(gateway.url));

    expect(validate.errors).toBeNull();
  });

  it('is shown by the pages of Swagger', async () => {
    await using gateway = await startGateway({ root: TeamModule, configure: setUp });

    const page = await fetch(`${gateway.url}/docs`);

    expect(page.status).toBe(200);
    expect(page.headers.get('Content-Security-Policy')).toBe(POLICY);
    const html = await page.text();
    expect(html).toContain('swagger-ui-bundle.js');
    // The policy forbids scripts in the page itself.
    expect(html).not.toMatch(/<script>|<script(?![^>]* src=)/);
    expect((await fetch(`${gateway.url}/docs/swagger-ui-bundle.js`)).status).toBe(200);
  });

  it('has no routes before the modules are initialized', async () => {
    const early = startGateway({
      root: TeamModule,
      configure: (app) => void withGatewayRoutes(app, { paths: {} }),
    });

    await expect(early).rejects.toThrow('before the gateway has its routes');
  });
});
