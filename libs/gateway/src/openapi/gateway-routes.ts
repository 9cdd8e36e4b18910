import { UpstreamRegistry } from '@app/proxy/internal';
import type { INestApplicationContext } from '@nestjs/common';
import { SETTINGS, type Settings } from '../settings/complete-settings.js';
import { mergeDocuments, type OpenApiDocument } from './merge-documents.js';
import { openApiDocument } from './openapi-document.js';

const TOO_EARLY =
  'withGatewayRoutes() was called before the gateway has its routes: give SwaggerModule.setup() a function, which it calls later';

/**
 * Adds the routes of the gateway to an OpenAPI document that `@nestjs/swagger` has made of a team's controllers:
 *
 * ```ts
 * await runGateway(AppModule, {
 *   configure(app) {
 *     // The gateway's own policy forbids pages their scripts.
 *     const policy = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:";
 *     app.use('/docs', (_request, response, next) => {
 *       response.setHeader('Content-Security-Policy', policy);
 *       next();
 *     });
 *     SwaggerModule.setup('docs', app, () => withGatewayRoutes(app, SwaggerModule.createDocument(app, config)));
 *   },
 * });
 * ```
 *
 * Every path and method is there once. If both documents have one, also under other names of its parameters, the gateway's
 * stays: its routes are looked up before controllers. The gateway's schemas and responses begin with `Gateway`, so that they
 * replace none of the team's. Its security scheme is `bearer`, as that of `addBearerAuth()`, or `GatewayBearer` if `bearer` is
 * another kind of scheme in the document.
 *
 * @param app a gateway whose modules are initialized
 * @param document of OpenAPI 3.0 or 3.1; it is not changed
 * @returns a new document
 * @throws Error if the modules are not initialized yet
 */
export function withGatewayRoutes<Document extends OpenApiDocument>(
  app: INestApplicationContext,
  document: Document,
): Document {
  const { title } = app.get<Settings>(SETTINGS, { strict: false });
  const { routes } = app.get(UpstreamRegistry, { strict: false });
  if (routes.length === 0) throw new Error(TOO_EARLY);
  return mergeDocuments(document, openApiDocument(title, routes));
}
