import { ForeignProject } from '../support/foreign-project.js';
import { freePort } from '../support/free-port.mjs';
import { startService } from '../support/service.js';

const LIMIT_MS = 240_000;

describe('an application of CommonJS with the proxy alone', () => {
  it(
    'passes a test of Jest, and proxies requests',
    async () => {
      await using service = await startService(({ method, url }, response) => {
        response.end(`${method} ${url}`);
      });
      await using project = await ForeignProject.copy('commonjs');
      await project.install();

      await project.run('npm', ['run', 'build']);
      await project.run('npm', ['test'], { ORDERS_URL: `http://127.0.0.1:${await freePort()}` });
      await using program = project.start('npm', ['start'], { PORT: '0', ORDERS_URL: service.url });
      const [, port] = await program.printed(/"port":(\d+)/);

      const response = await fetch(`http://127.0.0.1:${port}/orders/7?all`);
      expect(await response.text()).toBe('GET /7?all');
    },
    LIMIT_MS,
  );
});

describe('a gateway with an error responder of its own', () => {
  it(
    'passes the kit, and responds in its own form',
    async () => {
      await using project = await ForeignProject.copy('problem-responder');
      await project.install();

      await project.run('npm', ['run', 'build']);
      await project.run('npm', ['test']);
      const secret = 'a secret that is long enough for the gateway';
      await using program = project.start('npm', ['start'], { PORT: '0', JWT_SECRET: secret });
      const [, port] = await program.printed(/"message":"listening".*"port":(\d+)/);

      const response = await fetch(`http://127.0.0.1:${port}/orders`);
      expect(response.headers.get('Content-Type')).toBe('application/problem+json');
      expect(await response.json()).toMatchObject({ title: 'Authorization header required', status: 401 });
    },
    LIMIT_MS,
  );
});
