/** Whether a head has these lines, in their order. */
export function hasLines({ text }, lines) {
  const all = text.split('\r\n');
  const places = lines.map((line) => all.indexOf(line));
  return !places.includes(-1) && places.every((place, index) => index === 0 || place > places[index - 1]);
}
