import type { Socket } from 'node:net';

/** A source of chance. */
interface Random {
  uint32(): number;
  chance(share: number): boolean;
}

export interface RedisStandInOptions {
  readonly random: Random;
  readonly passwords?: Readonly<Record<string, string>>;
  readonly flags?: string;
  readonly pushesFollowReplies?: boolean;
  readonly now?: () => number;
}

/** A client of the stand-in. */
export interface StandInConnection {
  readonly id: number;
  readonly name: string;
  readonly socket: Socket;
}

export interface WrittenPush {
  readonly connection: StandInConnection;
  readonly channel: string;
  readonly message: string;
  readonly pattern?: string;
}

export class RedisStandIn {
  readonly isListening: boolean;
  readonly connections: readonly StandInConnection[];
  constructor(options: RedisStandInOptions);
  accept(socket: Socket): void;
  close(): void;
  get(key: string): string | undefined;
  set(key: string, value: string, options?: { readonly px?: number }): void;
  del(key: string): boolean;
  onCommand(listener: (name: string, args: readonly string[], connection: StandInConnection) => void): void;
  onPush(listener: (push: WrittenPush) => void): void;
  delay(ms: number): void;
  stopResponding(): void;
  resume(): void;
  refuseWrites(code: string | undefined): void;
  setRights(rights: { readonly deniedCommands?: readonly string[]; readonly deniesChannels?: boolean }): void;
  loseNotifications(isLost: boolean | ((channel: string, event: string) => boolean)): void;
  restart(options?: {
    readonly keepsData?: boolean;
    readonly downMs?: number;
    readonly loadingMs?: number;
  }): void;
  failover(options?: {
    readonly losesLastMs?: number;
    readonly downMs?: number;
    readonly keepsConnections?: boolean;
  }): void;
}
