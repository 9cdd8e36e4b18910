import { Module } from '@nestjs/common';
import { AuthUpstream } from './auth.upstream.js';
import { ChatGateway } from './chat.gateway.js';
import { ChatUpstream } from './chat.upstream.js';
import { DemoUpstream } from './demo.upstream.js';
import { SignalingGateway } from './signaling.gateway.js';
import { StorageUpstream } from './storage.upstream.js';
import { VideoUpstream } from './video.upstream.js';

/** The services of SecureConnect. */
@Module({
  providers: [
    AuthUpstream,
    ChatUpstream,
    ChatGateway,
    DemoUpstream,
    VideoUpstream,
    SignalingGateway,
    StorageUpstream,
  ],
})
export class UpstreamsModule {}
