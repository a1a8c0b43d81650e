// The panels around the board: they show the state of the editor and the connection, and pass clicks on.

import { randomId } from './ids.js'
import { COLORS, strokeColor } from './palette.js'
import { personSeen } from './person.js'

const MAX_FACES = 4
const TOAST_TIME = 1_800 // ms
const REFUSALS = {
  NOT_FOUND: ['This board does not exist', 'The server knows no board of this name.'],
  FORBIDDEN: ['You may not open this board', 'The server does not let you in.'],
  NOT_AUTHENTICATED: ['You are not signed in', 'The server wants to know who you are.'],
  CLIENT_TOO_OLD: ['This page is out of date', 'Loading it afresh should help.'],
  SERVER_TOO_OLD: ['The server is out of date', 'It does not know what this board holds.'],
  INVALID_RECORD: ['The server refused a change', 'It cannot store what this page sent.'],
  RATE_LIMITED: ['Too much at once', 'The server asks for a moment of rest.'],
  ROOM_FULL: ['This board is full', 'As many people as it takes are here already.'],
}

const element = (id) => document.getElementById(id)

export class Ui {
  #editor
  #person
  #shown = new Map() // element id -> what it shows, so that the page is only touched when that changes

  constructor({ editor, person, room, onRename }) {
    this.#editor = editor
    this.#person = person
    element('room').textContent = room
    document.title = `${room} · roomsync`
    this.#listenToTools()
    this.#listenToBoard()
    this.#listenToName(onRename)
  }

  #listenToTools() {
    const editor = this.#editor
    for (const button of document.querySelectorAll('[data-tool]')) {
      button.setAttribute('aria-label', button.title)
      button.onclick = () => editor.setTool(button.dataset.tool)
    }
    for (const button of document.querySelectorAll('[data-size]')) {
      button.setAttribute('aria-label', button.title)
      button.onclick = () => editor.setStyle({ size: button.dataset.size })
    }
    for (const name of Object.keys(COLORS)) {
      if (name === 'white') continue // cannot be seen on most boards
      const button = document.createElement('button')
      button.className = 'color'
      button.dataset.color = name
      button.title = name.replace('-', ' ')
      button.setAttribute('role', 'radio')
      button.setAttribute('aria-label', button.title)
      button.append(document.createElement('i'))
      button.onclick = () => editor.setStyle({ color: name })
      element('colors').append(button)
    }
    element('fill').onclick = () => editor.setStyle({ fill: editor.style.fill === 'none' ? 'solid' : 'none' })
    element('undo').onclick = () => editor.undo()
    element('redo').onclick = () => editor.redo()
    element('delete').onclick = () => editor.deleteSelection()
    const middle = () => ({ x: editor.screen.w / 2, y: editor.screen.h / 2 })
    element('zoom-in').onclick = () => editor.camera.zoomTo(editor.camera.z * 1.25, middle())
    element('zoom-out').onclick = () => editor.camera.zoomTo(editor.camera.z / 1.25, middle())
    element('zoom-level').onclick = () => editor.zoomToFit()
  }

  #listenToBoard() {
    element('copy').onclick = async () => {
      try {
        await navigator.clipboard.writeText(location.href)
        this.#toast('Link copied')
      } catch {
        this.#toast(location.href) // clipboards are for secure pages only: show it instead
      }
    }
    element('new').onclick = () => location.assign(`/r/${randomId(12)}`)
    element('reload').onclick = () => location.reload()
  }

  #listenToName(onRename) {
    const input = element('name')
    input.value = this.#person.name
    input.oninput = () => {
      this.#person.name = input.value
      onRename()
    }
    input.onblur = () => (input.value = this.#person.name)
    input.onkeydown = ({ key }) => key === 'Enter' && element('people-list').hidePopover()
  }

  /** Brings all panels up to date; cheap when nothing changed. */
  show(sync) {
    const { tool, style, history, selection, canEdit, camera, store, shapes } = this.#editor
    this.#once('tools', `${tool}`, () => press('[data-tool]', (data) => data.tool === tool, 'aria-pressed'))
    this.#once('colors', `${style.color}`, () => press('[data-color]', (data) => data.color === style.color, 'aria-checked'))
    this.#once('sizes', `${style.size}`, () => press('[data-size]', (data) => data.size === style.size, 'aria-checked'))
    this.#once('swatches', strokeColor('black'), () => {
      for (const button of document.querySelectorAll('[data-color]')) {
        button.style.setProperty('--color', strokeColor(button.dataset.color))
      }
    })
    element('fill').setAttribute('aria-pressed', style.fill !== 'none')
    element('undo').disabled = !canEdit || !history.canUndo
    element('redo').disabled = !canEdit || !history.canRedo
    element('delete').disabled = !canEdit || selection.size === 0
    element('zoom-level').textContent = `${Math.round(camera.z * 100)}%`
    element('hint').hidden = !canEdit || shapes.length > 0
    document.body.toggleAttribute('data-readonly', sync.readonly)
    this.#showStatus(sync, store.unconfirmed)
    this.#showPeople([...store.presence()].map(personSeen))
  }

  #showStatus({ state, readonly, reason }, unconfirmed) {
    const waiting = unconfirmed > 0 ? ` · ${unconfirmed} unsaved` : ''
    const text = {
      connecting: 'Connecting…',
      online: readonly ? 'Read-only' : 'Online',
      offline: `Offline — reconnecting${waiting || '…'}`,
      refused: `Refused: ${reason}`,
    }[state]
    this.#once('status', text, () => {
      element('status').dataset.state = state
      element('status-text').textContent = text
      if (state !== 'refused') return
      const [title, explanation] = REFUSALS[reason] ?? ['The server closed this board', 'It gave this reason:']
      element('refused-title').textContent = title
      element('refused-text').textContent = explanation
      element('refused-reason').textContent = reason
      element('refused').showModal()
    })
  }

  #showPeople(others) {
    const own = { name: this.#person.name, color: this.#person.color }
    const everyone = [own, ...others]
    const key = JSON.stringify(everyone.map(({ name, color }) => [name, color]))
    this.#once('people', key, () => {
      element('faces').replaceChildren(...everyone.slice(0, MAX_FACES).map(face))
      element('count').textContent = everyone.length
      element('people').title = everyone.length === 1 ? 'Only you are here' : `${everyone.length} people are here`
      element('own-face').replaceWith(Object.assign(face(own), { id: 'own-face' }))
      element('others').replaceChildren(...others.map(row))
    })
  }

  #once(what, value, show) {
    if (this.#shown.get(what) === value) return
    this.#shown.set(what, value)
    show()
  }

  #toast(text) {
    const toast = element('toast')
    toast.textContent = text
    toast.classList.add('shown')
    setTimeout(() => toast.classList.remove('shown'), TOAST_TIME)
  }
}

function press(selector, isPressed, attribute) {
  for (const button of document.querySelectorAll(selector)) button.setAttribute(attribute, isPressed(button.dataset))
}

function face({ name, color }) {
  const node = document.createElement('i')
  node.className = 'face'
  node.style.setProperty('--color', color)
  node.textContent = initials(name)
  return node
}

function row(person) {
  const item = document.createElement('li')
  const label = document.createElement('span')
  item.className = 'person'
  label.textContent = person.name
  item.append(face(person), label)
  return item
}

function initials(name) {
  const words = name.trim().split(/\s+/)
  const letters = [words[0], words.length > 1 ? words.at(-1) : ''].map((word) => [...word][0] ?? '')
  return letters.join('').toUpperCase() || '·'
}
