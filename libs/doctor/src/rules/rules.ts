import { configurationRule } from './configuration.rule.js';
import { drainRule } from './drain.rule.js';
import { firstProcessRule } from './first-process.rule.js';
import { gatewaySettingsRule } from './gateway-settings.rule.js';
import { healthCheckRule } from './health-check.rule.js';
import { hiddenPathsRule } from './hidden-paths.rule.js';
import { keepAliveRule } from './keep-alive.rule.js';
import { logsRule } from './logs.rule.js';
import { memoryRule } from './memory.rule.js';
import { namesRule } from './names.rule.js';
import { replicasRule } from './replicas.rule.js';
import { routesRule } from './routes.rule.js';
import type { Rule } from './rule.js';
import { secretsRule } from './secrets.rule.js';
import { sizesRule } from './sizes.rule.js';
import { startOrderRule } from './start-order.rule.js';
import { templateRule } from './template.rule.js';
import { timeoutsRule } from './timeouts.rule.js';
import { tlsRule } from './tls.rule.js';
import { trustedProxiesRule } from './trusted-proxies.rule.js';
import { websocketRule } from './websocket.rule.js';

/** In the order of the findings. */
export const RULES: readonly Rule[] = [
  configurationRule,
  gatewaySettingsRule,
  routesRule,
  drainRule,
  timeoutsRule,
  keepAliveRule,
  websocketRule,
  sizesRule,
  healthCheckRule,
  trustedProxiesRule,
  hiddenPathsRule,
  secretsRule,
  firstProcessRule,
  memoryRule,
  replicasRule,
  namesRule,
  tlsRule,
  templateRule,
  startOrderRule,
  logsRule,
];
