/** What the doctor reads of the gateway. */
export { AppModule } from './app.module.js';
export { OWN_ROUTES } from './own-routes.js';
export { fitsMemory } from './overload/memory-share.js';
