import {
  Body,
  ConflictException,
  Controller,
  Get,
  HttpCode,
  NotFoundException,
  Param,
  Post,
} from '@nestjs/common';
import { z } from 'zod';
import { Database } from '../database.js';
import { Id } from '../id.schema.js';
import type { AccessClaims } from '../tokens/access-token.js';
import { Caller } from '../tokens/caller.decorator.js';
import { UsersService } from './users.service.js';

const Key = z.base64().min(1).max(4096);
const KeyBundle = z.object({
  identity_key: Key,
  signed_pre_key: z.object({ key_id: z.number().int(), public_key: Key, signature: Key }),
  one_time_pre_keys: z
    .array(z.object({ key_id: z.number().int(), public_key: Key }))
    .max(200)
    .default([]),
});

type Row = { user_id: string; version: number; bundle: string; updated_at: string };

/** Public keys only; the private ones never leave their devices. */
@Controller('v1/keys')
export class KeysController {
  constructor(
    private readonly database: Database,
    private readonly users: UsersService,
  ) {}

  @Post('upload')
  upload(
    @Caller() { user_id }: AccessClaims,
    @Body({ schema: KeyBundle }) bundle: z.infer<typeof KeyBundle>,
  ) {
    this.users.get(user_id);
    const added = this.database.run`
      INSERT OR IGNORE INTO key_bundles (user_id, version, bundle, updated_at)
      VALUES (${user_id}, 1, ${JSON.stringify(bundle)}, ${new Date().toISOString()})`;
    if (!added) throw new ConflictException('Keys exist already: rotate them');
    return this.read(user_id);
  }

  @Post('rotate')
  @HttpCode(200)
  rotate(
    @Caller() { user_id }: AccessClaims,
    @Body({ schema: KeyBundle }) bundle: z.infer<typeof KeyBundle>,
  ) {
    this.database.run`
      UPDATE key_bundles
      SET version = version + 1, bundle = ${JSON.stringify(bundle)}, updated_at = ${new Date().toISOString()}
      WHERE user_id = ${user_id}`;
    return this.read(user_id);
  }

  @Get(':user_id')
  read(@Param('user_id', { schema: Id }) userId: string) {
    const row = this.database.row<Row>`SELECT * FROM key_bundles WHERE user_id = ${userId}`;
    if (!row) throw new NotFoundException('Keys not found');
    return { ...row, bundle: JSON.parse(row.bundle) as z.infer<typeof KeyBundle> };
  }
}
