import { Module } from '@nestjs/common';
import { AuthUpstream } from './auth.upstream.js';
import { ChatUpstream } from './chat.upstream.js';
import { StorageUpstream } from './storage.upstream.js';
import { VideoUpstream } from './video.upstream.js';

/** The services of SecureConnect. */
@Module({ providers: [AuthUpstream, ChatUpstream, VideoUpstream, StorageUpstream] })
export class UpstreamsModule {}
