/** Whether a text is what its client sent: the decoder of a body puts U+FFFD in place of bytes that are no UTF-8. */
export function isWellFormed(text: string): boolean {
  return text.isWellFormed() && !text.includes('\uFFFD');
}
