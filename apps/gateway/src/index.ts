/** The parts of the gateway that the doctor uses. */
export { AppModule } from './app.module.js';
export { OWN_ROUTES } from './own-routes.js';
export { fitsMemory } from './overload/memory-share.js';
