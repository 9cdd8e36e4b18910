/** What the doctor reads of the gateway. */
export { AppModule } from './app.module.js';
export { MONITORING_PATHS } from './gates/is-monitoring-request.js';
export { fitsMemory } from './overload/memory-share.js';
