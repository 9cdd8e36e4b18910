import { z } from 'zod';
import { Id } from '../id.schema.js';

/** A user who takes part in a conversation. */
export const Membership = z.object({ conversation_id: Id, user_id: Id });
export type Membership = z.infer<typeof Membership>;

/** The most memberships in one request. */
export const MAX_MEMBERSHIPS = 1_000;

/** The paths of auth-service for chat and video. The gateway has no route to them. */
export const MEMBERSHIPS_PATH = '/internal/memberships';
export const BLOCKS_PATH = '/internal/blocks';

export const MembershipRequest = z.object({ memberships: z.array(Membership).max(MAX_MEMBERSHIPS) });
export type MembershipRequest = z.infer<typeof MembershipRequest>;

export const BlocksRequest = z.object({
  user_ids: z.array(Id).max(MAX_MEMBERSHIPS),
  other_ids: z.array(Id).max(MAX_MEMBERSHIPS),
});
export type BlocksRequest = z.infer<typeof BlocksRequest>;

/** Whether a user of one list has blocked a user of the other. */
export const BlocksResponse = z.object({ data: z.boolean() });

/** Whether each membership of the request exists, in the same order. */
export const MembershipResponse = z.object({ data: z.array(z.boolean()) });
