import { Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { Database } from '../database.js';
import { AccountController } from './account.controller.js';
import { AccountMailService } from './account-mail.service.js';
import { AccountService } from './account.service.js';
import { AUTH_TABLES } from './auth.tables.js';
import { ContactsController } from './contacts.controller.js';
import { ContactsService } from './contacts.service.js';
import { ConversationsController } from './conversations.controller.js';
import { ConversationsService } from './conversations.service.js';
import { CredentialsService } from './credentials.service.js';
import { KeysController } from './keys.controller.js';
import { KeysService } from './keys.service.js';
import { MAIL_COLUMNS, MailOutboxService } from './mail-outbox.service.js';
import { InternalController } from './internal.controller.js';
import { PasswordAttemptsService } from './password-attempts.service.js';
import { PasswordService } from './password.service.js';
import { PendingRevocations, REVOCATION_COLUMNS, REVOCATION_TABLES } from './pending-revocations.js';
import { RevocationGuard } from './revocation.guard.js';
import { RevocationPublisher } from './revocation.publisher.js';
import { SessionController } from './session.controller.js';
import { SessionService } from './session.service.js';
import { UsersService } from './users.service.js';

@Module({
  controllers: [
    SessionController,
    AccountController,
    ContactsController,
    ConversationsController,
    KeysController,
    InternalController,
  ],
  providers: [
    Database.of(AUTH_TABLES + REVOCATION_TABLES, [...REVOCATION_COLUMNS, ...MAIL_COLUMNS]),
    // Runs after the access token guard of `ServiceModule`.
    { provide: APP_GUARD, useClass: RevocationGuard },
    AccountMailService,
    AccountService,
    ContactsService,
    ConversationsService,
    CredentialsService,
    KeysService,
    MailOutboxService,
    PasswordAttemptsService,
    PasswordService,
    PendingRevocations,
    RevocationPublisher,
    SessionService,
    UsersService,
  ],
})
export class AuthModule {}
