import { Module } from '@nestjs/common';
import { AuthUpstream } from './auth.upstream.js';
import { ChatGateway } from './chat.gateway.js';
import { ChatUpstream } from './chat.upstream.js';
import { SignalingGateway } from './signaling.gateway.js';
import { StorageUpstream } from './storage.upstream.js';
import { VideoUpstream } from './video.upstream.js';

/** The services of SecureConnect. */
@Module({
  providers: [AuthUpstream, ChatUpstream, ChatGateway, VideoUpstream, SignalingGateway, StorageUpstream],
})
export class UpstreamsModule {}
