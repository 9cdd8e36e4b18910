import {
  Controller,
  Get,
  HttpException,
  HttpStatus,
  Param,
  Put,
  Req,
  Res,
  StreamableFile,
} from '@nestjs/common';
import type { Request, Response } from 'express';
import { Public } from '../tokens/access-token.guard.js';
import { parseByteRange } from './byte-range.js';
import { attachment } from './content-disposition.js';
import { FilesService } from './files.service.js';
import { ObjectStore, wrongSize } from './object.store.js';
import { SignedUrlService } from './signed-url.service.js';
import { UploadsService } from './uploads.service.js';

/** Uploads and downloads of objects by signed URLs, streamed. */
@Controller('v1/storage/objects')
export class ObjectsController {
  constructor(
    private readonly files: FilesService,
    private readonly objects: ObjectStore,
    private readonly uploads: UploadsService,
    private readonly urls: SignedUrlService,
  ) {}

  @Put(':token')
  @Public()
  async upload(@Param('token') token: string, @Req() request: Request) {
    const { file_id, size } = this.files.requirePending(this.urls.verify(token, 'put'));
    const announced = request.headers['content-length'];
    if (announced !== undefined && Number(announced) !== size) throw wrongSize(size);
    await this.uploads.run(file_id, (part, signal) =>
      this.objects.write(part, request, { size, signal }, (keepAs) =>
        this.files.markUploaded(file_id, () => keepAs(file_id)),
      ),
    );
    return this.files.get(file_id);
  }

  @Get(':token')
  @Public()
  async download(
    @Param('token') token: string,
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
  ) {
    const { file_id, filename, content_type, size } = this.files.get(this.urls.verify(token, 'get'));
    // An object never changes, so its id is a valid ETag.
    const etag = `"${file_id}"`;
    const isSame = [undefined, etag].includes(request.get('If-Range'));
    const range = isSame ? parseByteRange(request.headers.range, size) : undefined;
    response.set({ 'Accept-Ranges': 'bytes', ETag: etag, 'X-Content-Type-Options': 'nosniff' });
    if (range === null) {
      response.set('Content-Range', `bytes */${size}`);
      throw new HttpException('Range cannot be satisfied', HttpStatus.REQUESTED_RANGE_NOT_SATISFIABLE);
    }
    if (range) {
      response
        .status(HttpStatus.PARTIAL_CONTENT)
        .set('Content-Range', `bytes ${range.start}-${range.end}/${size}`);
    }
    const { start, end } = range ?? { start: 0, end: size - 1 };
    const length = end - start + 1;
    const object = await this.objects.open(file_id);
    const bytes = object.createReadStream({ start, end: Math.max(end, 0) });
    // A file that is deleted meanwhile ends early. The connection must end too, or the client takes the next response as its rest.
    bytes.once('end', () => {
      if (bytes.bytesRead < length) response.destroy();
    });
    return new StreamableFile(bytes, { type: content_type, disposition: attachment(filename), length });
  }
}
