// What may stand in a record's `meta`? Any JSON: these make some of it, with the corners of numbers and text.

const WORDS = ['', 'a', 'ab', 'ü', '日本', '😀', '👩‍👩‍👧', 'e\u0301', '"\\', '\u0000', '\n\t', '\u2028', '</script>', 'constructor']
const NUMBERS = [
  0, -0, 1, -1, 0.1, 0.1 + 0.2, 1.5, -2.25, 1e21, 1e-7, 5e-324, 1.7976931348623157e308, 2 ** 53, -(2 ** 53), 123456789.125,
]

/** A text of up to `most` words, none of them half a surrogate pair. */
export function randomText(random, most) {
  return Array.from({ length: random.below(most + 1) }, () => random.pick(WORDS)).join('')
}

/** A value at most `depth` levels deep. */
export function randomJson(random, depth) {
  switch (random.below(depth > 0 ? 7 : 5)) {
    case 0:
      return null
    case 1:
      return random.chance(0.5)
    case 2:
      return random.pick(NUMBERS)
    case 3:
      return random.next() * 10 ** random.between(-10, 25)
    case 4:
      return randomText(random, 4)
    case 5:
      return Array.from({ length: random.below(5) }, () => randomJson(random, depth - 1))
    default:
      return Object.fromEntries(
        Array.from({ length: random.below(4) }, () => [`k${random.pick(WORDS)}`, randomJson(random, depth - 1)]),
      )
  }
}
