import { Module } from '@nestjs/common';
import { Database } from '../database.js';
import { FilesController } from './files.controller.js';
import { FilesService } from './files.service.js';
import { ObjectStore } from './object.store.js';
import { ObjectsController } from './objects.controller.js';
import { SignedUrlService } from './signed-url.service.js';
import { STORAGE_TABLES } from './storage.tables.js';
import { UploadsService } from './uploads.service.js';

@Module({
  controllers: [FilesController, ObjectsController],
  providers: [Database.of(STORAGE_TABLES), FilesService, ObjectStore, SignedUrlService, UploadsService],
})
export class StorageModule {}
