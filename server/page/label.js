// The text that shapes of other programs carry: plain, wrapped and centred, so that it can be read. It cannot be edited here.

import { strokeColor } from './palette.js'

const FONT_SIZES = { s: 15, m: 20, l: 28, xl: 38 }
const FAMILY = 'system-ui, sans-serif'
const PADDING = 14

/** The text that a shape shows; '' if none. */
export function labelText(type, props) {
  return `${type === 'frame' ? (props.name ?? '') : plainText(props.richText)}`.trim()
}

/** Draws `text` in a shape's own coordinates. */
export function drawLabel(context, { type, props }, { text, box }) {
  if (text === '') return
  const size = (FONT_SIZES[props.size] ?? FONT_SIZES.m) * (props.scale ?? 1)
  if (type === 'frame') return drawFrameName(context, text)

  const isText = type === 'text'
  context.font = `${size}px ${FAMILY}`
  context.fillStyle = strokeColor(isText ? props.color : (props.labelColor ?? 'black'))
  context.textBaseline = 'middle'
  context.textAlign = isText ? 'left' : 'center'
  const lines = wrap(context, text, isText && props.autoSize ? Infinity : box.w - (isText ? 0 : PADDING * 2))
  const x = isText ? box.x : box.x + box.w / 2
  const top = isText ? box.y + size * 0.7 : box.y + box.h / 2 - ((lines.length - 1) * size * 1.35) / 2
  for (const [i, line] of lines.entries()) context.fillText(line, x, top + i * size * 1.35)
}

function drawFrameName(context, text) {
  context.font = `12px ${FAMILY}`
  context.fillStyle = strokeColor('grey')
  context.textBaseline = 'bottom'
  context.fillText(text, 0, -6)
}

/** The text of a rich-text document, a line per block. */
function plainText(node) {
  if (!node) return ''
  if (node.type === 'text') return node.text
  if (node.type === 'hardBreak') return '\n'
  const parts = (node.content ?? []).map(plainText)
  return parts.join(node.type === 'paragraph' || node.type === 'heading' ? '' : '\n')
}

function wrap(context, text, width) {
  const lines = []
  for (const paragraph of text.split('\n')) {
    let line = ''
    for (const word of paragraph.split(' ')) {
      const longer = line === '' ? word : `${line} ${word}`
      if (line !== '' && context.measureText(longer).width > width) {
        lines.push(line)
        line = word
      } else {
        line = longer
      }
    }
    lines.push(line)
  }
  return lines
}
