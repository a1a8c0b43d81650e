// Colours: tldraw's named palette for shapes, what people are shown in, and the canvas itself, for light and dark.

const dark = matchMedia('(prefers-color-scheme: dark)')

/** 'light' or 'dark', as the user prefers right now. */
export const theme = () => (dark.matches ? 'dark' : 'light')

export function onThemeChange(listener) {
  dark.addEventListener('change', listener)
}

/** The names are tldraw's and are stored in shapes; the order is the one of the toolbar. */
export const COLORS = {
  black: { light: '#1f2328', dark: '#eef0f2' },
  grey: { light: '#98a1ab', dark: '#8b949e' },
  violet: { light: '#a13fc4', dark: '#b964d8' },
  'light-violet': { light: '#d98cf0', dark: '#dfa0f2' },
  blue: { light: '#3f63e6', dark: '#5b80ff' },
  'light-blue': { light: '#49a0ee', dark: '#58b0f7' },
  green: { light: '#0c9166', dark: '#16a878' },
  'light-green': { light: '#4cb262', dark: '#52c76b' },
  yellow: { light: '#efa93f', dark: '#ffc247' },
  orange: { light: '#e0671c', dark: '#f5822f' },
  'light-red': { light: '#f47a7a', dark: '#ff8d8d' },
  red: { light: '#dc3434', dark: '#ec4a4a' },
  white: { light: '#ffffff', dark: '#ffffff' },
}

export const CANVAS = {
  light: { background: '#f8f8f6', grid: '#d9d9d3', accent: '#3d6bea', muted: '#a4a49e' },
  dark: { background: '#17181b', grid: '#2f3136', accent: '#6d93ff', muted: '#6a6d74' },
}

/** Clear of each other and readable under white text, on light and dark. */
const PEOPLE = ['#3d6bea', '#d6457f', '#0d8f6f', '#c2571a', '#8a46c9', '#1b86b4', '#b5432f', '#5a7d12']

export function personColor(seed) {
  let hash = 0
  for (const char of seed) hash = (hash * 31 + char.codePointAt(0)) >>> 0
  return PEOPLE[hash % PEOPLE.length]
}

export function strokeColor(name) {
  return COLORS[Object.hasOwn(COLORS, name) ? name : 'black'][theme()]
}

/** What a shape is filled with, or null. The tints are opaque, so that shapes cover what lies under them. */
export function fillColor(fill, name) {
  switch (fill) {
    case 'fill':
      return strokeColor(name)
    case 'solid':
    case 'pattern':
    case 'lined-fill':
      return mix(strokeColor(name), CANVAS[theme()].background, theme() === 'dark' ? 0.24 : 0.18)
    case 'semi':
      return theme() === 'dark' ? '#202226' : '#ffffff'
    default:
      return null
  }
}

function mix(color, other, part) {
  const channels = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16))
  const [a, b] = [channels(color), channels(other)]
  return `rgb(${a.map((value, i) => Math.round(value * part + b[i] * (1 - part))).join(' ')})`
}
