import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { z } from 'zod';
import { Database } from '../database.js';
import type { AccessClaims } from '../tokens/access-token.js';
import { Caller } from '../tokens/caller.decorator.js';

const NewPresence = z.object({ status: z.enum(['online', 'away', 'offline']) });

interface Presence {
  readonly user_id: string;
  readonly status: 'online' | 'away' | 'offline';
  readonly updated_at: string;
}

@Controller('v1/presence')
export class PresenceController {
  constructor(private readonly database: Database) {}

  @Post()
  @HttpCode(200)
  set(@Caller() caller: AccessClaims, @Body({ schema: NewPresence }) body: z.infer<typeof NewPresence>) {
    return this.database.row<Presence>`
      INSERT OR REPLACE INTO presence (user_id, status, updated_at)
      VALUES (${caller.user_id}, ${body.status}, ${new Date().toISOString()}) RETURNING *`;
  }
}
