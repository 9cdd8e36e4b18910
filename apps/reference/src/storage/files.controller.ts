import { Body, Controller, Delete, Get, HttpCode, Param, Post } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { Id } from '../id.schema.js';
import type { AccessClaims } from '../tokens/access-token.js';
import { Caller } from '../tokens/caller.decorator.js';
import { FilesService } from './files.service.js';
import { SignedUrlService } from './signed-url.service.js';
import { UploadsService } from './uploads.service.js';

const Announcement = z.object({
  filename: z
    .string()
    .trim()
    .min(1)
    .max(255)
    // Bidirectional controls make an extension look like another.
    .regex(
      /^[^/\\\p{Cc}\u202A-\u202E\u2066-\u2069]+$/u,
      'a name without slashes, control characters or bidirectional controls',
    ),
  content_type: z
    .string()
    .max(127)
    .regex(/^[\w.+-]+\/[\w.+-]+(; ?charset=[\w-]+)?$/, 'a media type'),
  size: z.number().int().min(0),
});
const Completion = z.object({ file_id: Id });

@Controller('v1/storage')
export class FilesController {
  constructor(
    private readonly files: FilesService,
    private readonly uploads: UploadsService,
    private readonly urls: SignedUrlService,
  ) {}

  @Post('upload-url')
  @HttpCode(200)
  async announce(
    @Caller() caller: AccessClaims,
    @Body({ schema: Announcement }) body: z.infer<typeof Announcement>,
  ) {
    await this.uploads.removeLeftovers();
    const file_id = randomUUID();
    const { url, expires_at } = this.urls.sign(file_id, 'put');
    this.files.announce(caller.user_id, { file_id, ...body }, expires_at);
    return { file_id, upload_url: url, method: 'PUT', expires_at };
  }

  @Post('upload-complete')
  @HttpCode(200)
  complete(@Caller() caller: AccessClaims, @Body({ schema: Completion }) body: z.infer<typeof Completion>) {
    return this.files.complete(caller.user_id, body.file_id);
  }

  @Get('download-url/:file_id')
  downloadUrl(@Caller() caller: AccessClaims, @Param('file_id', { schema: Id }) fileId: string) {
    this.files.requireComplete(caller.user_id, fileId);
    const { url, expires_at } = this.urls.sign(fileId, 'get');
    return { download_url: url, expires_at };
  }

  @Get('quota')
  quota(@Caller() caller: AccessClaims) {
    return this.files.quota(caller.user_id);
  }

  @Delete('files/:file_id')
  async delete(@Caller() caller: AccessClaims, @Param('file_id', { schema: Id }) fileId: string) {
    await this.uploads.delete(caller.user_id, fileId);
  }
}
