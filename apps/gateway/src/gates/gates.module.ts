import type { Gate } from '@app/proxy';
import { Module } from '@nestjs/common';
import { AuthGate } from './auth.gate.js';
import { OriginGate } from './origin.gate.js';

/** The gateway's gates in the order in which they run: the cheapest refusal first. */
export const GATES = Symbol('GATES');

@Module({
  providers: [
    OriginGate,
    AuthGate,
    { provide: GATES, inject: [OriginGate, AuthGate], useFactory: (...gates: Gate[]) => gates },
  ],
  exports: [GATES, OriginGate],
})
export class GatesModule {}
