/** What a side reports. */
export interface RelayEndListener<Side> {
  onMessage(side: Side, data: Buffer, isBinary: boolean): void;
  /** The peer has sent a ping, or a pong that nobody asked for. Whether it may. */
  onControlFrame(side: Side): boolean;
  /** The connection is gone. @param violation the code of what its peer did wrong, where it did */
  onClose(side: Side, code: number, reason: Buffer, violation: number | undefined): void;
  /** There is no room for what the side sends or should be sent. */
  onOverBudget(): void;
}
