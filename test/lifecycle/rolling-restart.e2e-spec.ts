import { GatewayProcess } from '../support/process.js';
import { describeUnderLoad } from '../support/requirements.js';
import { startServicePairs, takesBoth } from '../support/service-pairs.js';
import { loadSystem } from '../support/system-load.js';
import { ServiceProcess } from '../support/system.js';

describeUnderLoad('every service, restarted one process after the other under load,', () => {
  it('fails no request, and keeps each write once', async () => {
    await using services = await startServicePairs();
    const env = { ...services.addresses, RATELIMIT: 'off', HEALTH_CHECK_INTERVAL_MS: '300' };
    await using gateway = GatewayProcess.start(env);
    const port = await gateway.port();
    const running = await loadSystem(port);

    for (const instance of services.instances) {
      await running.more(instance.name, 50);
      await instance.running.kill('SIGTERM');
      await running.more(instance.name, 50);
      instance.running = await ServiceProcess.start(instance.env);
      await takesBoth(port, instance.name);
    }

    const answers = await running.end();
    expect(Object.keys(answers).toSorted()).toEqual(['auth 200', 'chat 201', 'storage 200', 'video 201']);
    expect(await running.notKeptOnce()).toEqual([]);
  }, 180_000);
});
