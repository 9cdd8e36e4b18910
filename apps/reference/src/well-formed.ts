/** Whether a text is valid Unicode, and has no U+FFFD, by which the body decoder replaces invalid UTF-8. */
export function isWellFormed(text: string): boolean {
  return text.isWellFormed() && !text.includes('\uFFFD');
}
