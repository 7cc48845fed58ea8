// Ids made on the phone (RFC 9562, version 7): time first, so that they sort as they were made;
// 74 random bits. crypto.randomUUID and crypto.subtle need HTTPS, getRandomValues does not.

let last = 0;

export function makeUuid7() {
  // Never the same or an earlier millisecond twice: ids of one phone sort by the order of making.
  last = Math.max(Date.now(), last + 1);
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  for (let i = 0; i < 6; i++) bytes[i] = Math.floor(last / 2 ** (8 * (5 - i))) % 256;
  bytes[6] = 0x70 | (bytes[6] & 0x0f);
  bytes[8] = 0x80 | (bytes[8] & 0x3f);
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

// A short mark people can say aloud: no 0/O, 1/I/L, U/V.
const LETTERS = "23456789ABCDEFGHJKMNPQRSTWXYZ";

export function makeMark(length) {
  const bytes = crypto.getRandomValues(new Uint8Array(length));
  return Array.from(bytes, (byte) => LETTERS[byte % LETTERS.length]).join("");
}
