// Pointers, wheel and keys of this window, turned into gestures, camera moves and commands.

import { startGesture } from './gestures.js'

const TOOL_KEYS = { v: 'select', h: 'hand', r: 'rectangle', d: 'pen', p: 'pen' }

export function listenToInput(editor, canvas) {
  const pointers = new Map() // id -> last place on screen, of all that are down
  let gesture = null
  let pinch = null // {distance, middle} while two fingers are down
  let spaceDown = false

  const screenOf = ({ clientX, clientY }) => ({ x: clientX, y: clientY })
  const read = (event) => {
    const screen = screenOf(event)
    // Browsers gather fast pointer moves into one event; strokes want them all.
    const gathered = event.getCoalescedEvents?.() ?? []
    const all = gathered.length > 0 ? gathered : [event]
    return {
      screen,
      page: editor.camera.toPage(screen),
      pages: all.map((each) => editor.camera.toPage(screenOf(each))),
      shift: event.shiftKey,
    }
  }
  const showCursor = () => {
    const panning = gesture?.pans
    const drawing = editor.canEdit && (editor.tool === 'rectangle' || editor.tool === 'pen')
    const ready = spaceDown || editor.tool === 'hand'
    canvas.style.cursor = panning ? 'grabbing' : ready ? 'grab' : drawing ? 'crosshair' : 'default'
  }

  // ---- pointers

  canvas.addEventListener('pointerdown', (event) => {
    document.activeElement?.blur()
    canvas.setPointerCapture(event.pointerId)
    pointers.set(event.pointerId, screenOf(event))
    if (pointers.size === 2) {
      gesture?.cancel()
      gesture = null
      pinch = pinchOf(pointers)
    } else if (pointers.size === 1 && event.button <= 1) {
      gesture = startGesture(editor, read(event), spaceDown || event.button === 1)
    }
    showCursor()
  })

  canvas.addEventListener('pointermove', (event) => {
    const at = read(event)
    editor.setPointer(at.page)
    if (pointers.has(event.pointerId)) pointers.set(event.pointerId, at.screen)
    if (pinch && pointers.size === 2) {
      const now = pinchOf(pointers)
      editor.camera.pan(now.middle.x - pinch.middle.x, now.middle.y - pinch.middle.y)
      editor.camera.zoomTo((editor.camera.z * now.distance) / pinch.distance, now.middle)
      pinch = now
    } else {
      gesture?.move(at)
    }
    showCursor()
  })

  const release = (finish) => (event) => {
    if (!pointers.delete(event.pointerId)) return
    if (gesture) finish(gesture, read(event))
    gesture = null
    if (pointers.size < 2) pinch = null
    if (event.pointerType === 'touch') editor.setPointer(null)
    showCursor()
  }
  canvas.addEventListener('pointerup', release((done, at) => done.end(at)))
  canvas.addEventListener('pointercancel', release((done) => done.cancel()))
  canvas.addEventListener('pointerleave', () => editor.setPointer(null))
  canvas.addEventListener('contextmenu', (event) => event.preventDefault())

  // ---- wheel: pan, or zoom with ctrl (which is also what a trackpad pinch says)

  canvas.addEventListener(
    'wheel',
    (event) => {
      event.preventDefault()
      const unit = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1
      const [dx, dy] = [event.deltaX * unit, event.deltaY * unit]
      if (event.ctrlKey || event.metaKey) {
        const step = Math.max(-60, Math.min(60, dy))
        editor.camera.zoomTo(editor.camera.z * Math.exp(-step / 180), screenOf(event))
      } else if (event.shiftKey && dx === 0) {
        editor.camera.pan(-dy, 0)
      } else {
        editor.camera.pan(-dx, -dy)
      }
      editor.setPointer(editor.camera.toPage(screenOf(event)))
    },
    { passive: false },
  )

  // ---- keys

  addEventListener('keydown', (event) => {
    if (event.target.closest?.('input, [popover]')) return
    const key = event.key.toLowerCase()
    if (key === ' ') {
      if (!event.target.closest?.('button, a')) event.preventDefault()
      spaceDown = true
      showCursor()
    } else if (key === 'escape') {
      gesture?.cancel()
      gesture = null
      editor.select([])
      editor.setTool('select')
    } else if (command(editor, event, key)) {
      event.preventDefault()
    }
    showCursor()
  })
  addEventListener('keyup', (event) => {
    if (event.key === ' ') spaceDown = false
    showCursor()
  })
  addEventListener('blur', () => {
    spaceDown = false
    showCursor()
  })
}

/** Runs what a key stands for; false if nothing. */
function command(editor, event, key) {
  const middle = { x: editor.screen.w / 2, y: editor.screen.h / 2 }
  const arrow = { arrowleft: [-1, 0], arrowright: [1, 0], arrowup: [0, -1], arrowdown: [0, 1] }[key]
  if (event.ctrlKey || event.metaKey) {
    if (key === 'z') event.shiftKey ? editor.redo() : editor.undo()
    else if (key === 'y') editor.redo()
    else if (key === 'a') editor.selectAll()
    else if (key === '0') editor.camera.zoomTo(1, middle)
    else if (key === '=' || key === '+') editor.camera.zoomTo(editor.camera.z * 1.25, middle)
    else if (key === '-') editor.camera.zoomTo(editor.camera.z / 1.25, middle)
    else return false
  } else if (event.altKey) {
    return false
  } else if (key === 'delete' || key === 'backspace') {
    editor.deleteSelection()
  } else if (arrow) {
    const step = event.shiftKey ? 10 : 1
    editor.nudge(arrow[0] * step, arrow[1] * step)
  } else if (event.code === 'Digit1' && event.shiftKey) {
    editor.zoomToFit()
  } else if (key === 'f') {
    editor.setStyle({ fill: editor.style.fill === 'none' ? 'solid' : 'none' })
  } else if (TOOL_KEYS[key]) {
    editor.setTool(TOOL_KEYS[key])
  } else {
    return false
  }
  return true
}

function pinchOf(pointers) {
  const [a, b] = [...pointers.values()]
  return {
    distance: Math.max(1, Math.hypot(a.x - b.x, a.y - b.y)),
    middle: { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 },
  }
}
