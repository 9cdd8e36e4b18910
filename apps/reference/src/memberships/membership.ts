import { z } from 'zod';
import { Id } from '../id.schema.js';

/** That a user takes part in a conversation. */
export const Membership = z.object({ conversation_id: Id, user_id: Id });
export type Membership = z.infer<typeof Membership>;

/** How many memberships may be asked about at a time. */
export const MAX_MEMBERSHIPS = 1_000;

/** Where auth-service answers chat and video; the gateway has no route to them. */
export const MEMBERSHIPS_PATH = '/internal/memberships';
export const BLOCKS_PATH = '/internal/blocks';

export const MembershipRequest = z.object({ memberships: z.array(Membership).max(MAX_MEMBERSHIPS) });
export type MembershipRequest = z.infer<typeof MembershipRequest>;

export const BlocksRequest = z.object({
  user_ids: z.array(Id).max(MAX_MEMBERSHIPS),
  other_ids: z.array(Id).max(MAX_MEMBERSHIPS),
});
export type BlocksRequest = z.infer<typeof BlocksRequest>;

/** Whether one of the users has blocked one of the others, or the other way round. */
export const BlocksResponse = z.object({ data: z.boolean() });

/** Whether each membership that was asked about holds, in the same order. */
export const MembershipResponse = z.object({ data: z.array(z.boolean()) });
