// Random ids. crypto.randomUUID would do, but browsers keep it from pages that come over plain http.

const LETTERS = 'abcdefghijkmnpqrstuvwxyz23456789' // without those that look alike; 32 of them, so every byte is fair

export function randomId(length = 21) {
  return [...crypto.getRandomValues(new Uint8Array(length))].map((byte) => LETTERS[byte % 32]).join('')
}
