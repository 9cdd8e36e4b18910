export { errorResponderKit } from './error-responder.kit.js';
export type { KitCase } from './kit-case.js';
